"""The limits of readers of cold data, asked of a broker in memory and as recorded from Java."""

import pytest

from rmqwire.admin.admin import open_admin
from rmqwire.codec.codes import RequestCode as R
from rmqwire.errors import BrokerError, ProtocolError
from rmqwire.testing import trio_cluster
from tests.admin.support import BROKER, Answers, ask
from tests.support.mqadmin import recorded


async def test_limits_of_cold_data_are_set_and_taken_away(autojump_clock):
    async with trio_cluster() as rmq, open_admin(rmq.namesrv_addr) as admin:
        (addr,) = await admin.masters()
        await admin.update_cold_data_flow_ctr_group_config(addr, {"g": 1024, "h": 5})
        told = await admin.get_cold_data_flow_ctr_info(addr)
        assert told["configTable"] == {"g": 1024, "h": 5}
        assert (told["cgColdReadThreshold"], told["runtimeTable"]) == (3145728, {})
        await admin.remove_cold_data_flow_ctr_group_config(addr, "g")
        assert (await admin.get_cold_data_flow_ctr_info(addr))["configTable"] == {"h": 5}
        assert (await admin.set_commit_log_read_ahead_mode(addr, 1)).endswith("success, mode: 1")
        with pytest.raises(BrokerError, match="param value error"):
            await admin.set_commit_log_read_ahead_mode(addr, 2)


def test_a_broker_without_a_table_of_cold_data():
    asked = Answers({(BROKER, R.GET_COLD_DATA_FLOW_CTR_INFO): b""})
    assert ask(asked, "get_cold_data_flow_ctr_info", BROKER) == {}
    asked.bodies[BROKER, R.GET_COLD_DATA_FLOW_CTR_INFO] = b"nothing"
    with pytest.raises(ProtocolError, match="cold data of"):
        ask(asked, "get_cold_data_flow_ctr_info", BROKER)


@pytest.mark.parametrize(
    ("name", "method", "arguments", "wanted"),
    [
        (
            "setCommitLogReadAheadMode",
            "set_commit_log_read_ahead_mode",
            (1,),
            "set commitlog readahead mode success, mode: 1",
        ),
        (
            "getColdDataFlowCtrInfo",
            "get_cold_data_flow_ctr_info",
            (),
            {
                "runtimeTable": {},
                "configTable": {},
                "cgColdReadThreshold": 3145728,
                "globalColdReadThreshold": 104857600,
                "globalAcc": 0,
            },
        ),
    ],
)
def test_what_javas_admin_was_recorded_to_ask_ours_asks_too(name, method, arguments, wanted):
    ((addr, request, response),) = recorded(name).frames

    def answer(command):
        assert (command.code, command.ext_fields) == (request.code, request.ext_fields)
        assert command.body == request.body
        return response

    assert ask(Answers({(addr, request.code): answer}), method, addr, *arguments) == wanted
