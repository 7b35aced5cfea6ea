"""What programs ask of a broker in memory and no verb does, and what changes by it."""

import pytest
import trio

from rmqwire import (
    ConsumeStatus,
    LocalTransactionState,
    Message,
    MessageQueue,
    Producer,
    PushConsumer,
    TransactionProducer,
)
from rmqwire.admin.admin import open_admin
from rmqwire.broker_errors import BrokerSystemError
from rmqwire.codec.codes import RequestCode as R
from rmqwire.errors import BrokerError, ProtocolError, RouteNotFound
from rmqwire.testing import trio_cluster
from tests.admin.support import BROKER, Answers, ask
from tests.support.mqadmin import recorded

QUEUE = MessageQueue("Orders", "broker-a", 0)


async def consumed(rmq):
    """Have a group consume a message, and commit."""
    await rmq.create_topic("Orders", queues=1)
    done = trio.Event()

    def listen(_messages):
        done.set()
        return ConsumeStatus.CONSUME_SUCCESS

    consumer = PushConsumer(
        "eaters", namesrv_addr=rmq.namesrv_addr, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
    )
    consumer.subscribe("Orders", "a || b", listen)
    async with Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer:
        await producer.send(Message("Orders", b"tea", tags="a"))
    return consumer, done


async def test_topics_and_groups_are_told_of(autojump_clock):
    async with trio_cluster() as rmq, open_admin(rmq.namesrv_addr) as admin:
        consumer, done = await consumed(rmq)
        async with consumer:
            await done.wait()
            told = await admin.query_subscription("eaters", "Orders")
            assert sorted(told.tags_set) == ["a", "b"]
            await trio.sleep(11)  # until the offset is committed
        (addr,) = await admin.masters()
        assert "Orders" in await admin.fetch_topics_by_cluster("DefaultCluster")
        assert await admin.fetch_topics_by_cluster("Nowhere") == []
        config = await admin.examine_topic_config(addr, "Orders")
        assert (config.topic_name, config.read_queue_nums, config.perm) == ("Orders", 1, 6)
        assert "Orders" in await admin.query_topics_by_consumer("eaters")
        with pytest.raises(RouteNotFound):
            await admin.query_topics_by_consumer("nobody")
        (span,) = await admin.query_consume_time_span("Orders", "eaters")
        assert span.message_queue == QUEUE
        assert 0 < span.min_time_stamp == span.max_time_stamp


async def test_an_offset_is_set_and_a_group_is_kept_from_a_topic(autojump_clock):
    async with trio_cluster() as rmq, open_admin(rmq.namesrv_addr) as admin:
        consumer, done = await consumed(rmq)
        async with consumer:
            await done.wait()
        (addr,) = await admin.masters()
        assert await rmq.lag("eaters", "Orders") == 0
        await admin.update_consume_offset(addr, "eaters", QUEUE, 0)
        assert await rmq.lag("eaters", "Orders") == 1
        ask = admin.update_and_get_group_read_forbidden
        assert (await ask(addr, "eaters", "Orders")).readable
        assert not (await ask(addr, "eaters", "Orders", readable=False)).readable
        assert not (await ask(addr, "eaters", "Orders")).readable
        assert (await ask(addr, "eaters", "Orders", readable=True)).readable


async def test_a_half_message_is_checked_again(autojump_clock):
    asked = []

    def check(message):
        asked.append(message.body)
        return LocalTransactionState.UNKNOW

    settings = {"transactionCheckInterval": "1000", "transactionTimeOut": "1000"}
    async with (
        trio_cluster(transactionCheckMax="2", **settings) as rmq,
        open_admin(rmq.namesrv_addr) as admin,
    ):
        await rmq.create_topic("Orders", queues=1)
        async with TransactionProducer(
            "writers", check=check, namesrv_addr=rmq.namesrv_addr
        ) as producer:
            await producer.send_in_transaction(Message("Orders", b"tea"), lambda *_: None)
            await trio.sleep(20)
            assert asked == [b"tea"] * 2
            (given_up,) = await rmq.messages("TRANS_CHECK_MAX_TIME_TOPIC")
            await admin.resume_check_half_message(given_up.topic, given_up.offset_msg_id)
            await trio.sleep(20)
            assert asked == [b"tea"] * 4
            with pytest.raises(RouteNotFound, match="no message"):
                await admin.resume_check_half_message(given_up.topic, "no id")
            sent = await producer.send(Message("Orders", b"plain"))
            with pytest.raises(BrokerSystemError):
                await admin.resume_check_half_message("Orders", sent.offset_msg_id)


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
