"""A slave's tables against what Java masters were recorded to answer."""

from __future__ import annotations

import json

import pytest

from rmqwire.broker.peers.slave_sync import SlaveSynchronize, vip_address
from rmqwire.codec.bodies import HARuntimeInfo
from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import V4_9_7, V5_5_0, release_named
from rmqwire.errors import ConnectFailed, SendFailed, StoreError
from tests.broker.peers.support import CODES, MASTER, Master, reaches
from tests.support.broker import MemoryBroker


@pytest.fixture(params=["4.9.7", "5.5.0"])
def pair(request, tmp_path):
    slave = MemoryBroker(tmp_path, release_named(request.param), broker_role="SLAVE", broker_id=1)
    master = Master(request.param)
    sync = SlaveSynchronize(master, slave.state, lambda: None, reaches)
    sync.follow(MASTER)
    yield slave, master, sync
    slave.close()


async def test_all_tables_of_a_java_master_are_taken_over(pair):
    slave, master, sync = pair
    assert await sync.sync_all()
    state = slave.state
    assert {"goldhha", "%RETRY%goldhcg_ha"} <= state.topics.table.keys()
    recorded = json.loads(bytes(master.by_code[21].body))
    assert state.topics.table.keys() == recorded["topicConfigTable"].keys()
    assert state.topics.data_version.counter == recorded["dataVersion"]["counter"]
    assert {"goldhcg_ha", "goldhcg_delay"} <= state.groups.table.keys()
    assert state.offsets.query("CID_RMQ_SYS_TRANS", "RMQ_SYS_TRANS_HALF_TOPIC", 0) == 1
    assert state.schedule.levels[1].offset == 1
    assert state.schedule.levels[2].offset == 1


async def test_a_master_that_is_gone_is_one_line_of_the_log(pair, caplog):
    _, master, sync = pair
    master.by_code = dict.fromkeys(master.by_code, ConnectFailed("connect failed: refused", MASTER))
    assert not await sync.sync_all()
    assert [record.message for record in caplog.records] == [
        f"no tables taken over from {MASTER}: connect failed: refused <{MASTER}>"
    ]


async def test_they_are_on_the_disk_for_the_next_start(pair, tmp_path):
    _, _, sync = pair
    await sync.sync_all()
    config = tmp_path / "config"
    for name, part in (
        ("topics.json", "goldhha"),
        ("subscriptionGroup.json", "goldhcg_ha"),
        ("consumerOffset.json", "CID_RMQ_SYS_TRANS"),
        ("delayOffset.json", "offsetTable"),
    ):
        assert part in (config / name).read_text(), name


async def test_the_questions_are_java_s(pair):
    slave, master, sync = pair
    await sync.sync_all()
    by_code = {request.code: request for request in master.requests.values()}
    assert [command.code for _, command in master.asked] == list(CODES[slave.state.release.name])
    for addr, command in master.asked:
        assert addr == ("10.0.0.1:10909" if command.code == 21 else MASTER)
        if command.code == 907:  # no Java slave asks how long the log is
            continue
        assert (command.ext_fields or None) == (by_code[command.code].ext_fields or None)


async def test_a_part_that_fails_leaves_the_others(pair):
    slave, master, sync = pair
    master.by_code[43] = SendFailed("gone", MASTER)
    master.by_code[45] = RemotingCommand(ResponseCode.SYSTEM_ERROR)
    master.by_code[201] = RemotingCommand(0, body=b"no json")
    assert not await sync.sync_all()
    assert "goldhha" in slave.state.topics.table
    assert "goldhcg_ha" not in slave.state.groups.table


async def test_a_table_that_cannot_be_read_leaves_a_line_with_master_code_and_field(pair, caplog):
    _, master, sync = pair
    master.by_code[201] = RemotingCommand(
        0, body=b'{"subscriptionGroupTable":{"g":{"retryMaxTimes":"often"}}}'
    )
    assert not await sync.sync_all()
    (line,) = caplog.messages
    part = "consumer groups (GET_ALL_SUBSCRIPTIONGROUP_CONFIG)"
    field = "SubscriptionGroupWrapper.subscriptionGroupTable['g'].retryMaxTimes"
    assert line.startswith(f"{part} not taken over from {MASTER}: {field}: the text 'often' where")


async def test_without_the_second_port_the_first_is_asked(pair):
    slave, master, sync = pair
    invoke = master.invoke

    async def no_vip(addr, command, timeout_ms):
        if addr.endswith(":10909"):
            raise ConnectFailed("refused", addr)
        return await invoke(addr, command, timeout_ms)

    master.invoke = no_vip
    assert await sync.sync_all()
    assert "goldhha" in slave.state.topics.table


async def test_topics_that_the_master_lost_are_lost_here_and_own_groups_offsets_stay(pair):
    slave, _, sync = pair
    slave.state.topics.create_topic_in_send_message_back("ours", 1, 6, 0)
    slave.state.offsets.commit("c", "own", "goldhha", 0, 3)
    await sync.sync_all()
    assert "ours" not in slave.state.topics.table
    assert slave.state.offsets.query("own", "goldhha", 0) == 3


POPS = (
    b'{"messageRequestModeMap":{"T":{"g":'
    b'{"consumerGroup":"g","mode":"POP","popShareQueueNum":-1,"topic":"T"}}}}'
)
# As Java's own MessageRequestModeManager writes this table into its file.
POPS_FILE = """{
\t"messageRequestModeMap":{
\t\t"T":{
\t\t\t"g":{
\t\t\t\t"consumerGroup":"g",
\t\t\t\t"mode":"POP",
\t\t\t\t"popShareQueueNum":-1,
\t\t\t\t"topic":"T"
\t\t\t}
\t\t}
\t}
}"""
METRICS = (
    '{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":5},"timingCount":{"Tä":{"count":3}}}'
)


@pytest.fixture
def pair5(tmp_path):
    slave = MemoryBroker(tmp_path, broker_role="SLAVE", broker_id=1)
    master = Master("5.5.0")
    sync = SlaveSynchronize(master, slave.state, lambda: None, reaches)
    sync.follow(MASTER)
    yield slave, master, sync
    slave.close()


async def test_request_modes_are_kept_as_java_keeps_them_and_given_on(pair5, tmp_path):
    slave, master, sync = pair5
    master.by_code[402] = RemotingCommand(0, body=POPS)
    assert await sync.sync_all()
    assert (tmp_path / "config/messageRequestMode.json").read_text() == POPS_FILE
    slave.close()
    promoted = MemoryBroker(tmp_path)
    request = RemotingCommand.request(RequestCode.GET_ALL_MESSAGE_REQUEST_MODE)
    assert bytes(promoted.connect().call(request).body) == POPS
    promoted.close()
    (tmp_path / "config/messageRequestMode.json").write_text("damaged")
    (tmp_path / "config/messageRequestMode.json.bak").unlink(missing_ok=True)
    with pytest.raises(StoreError, match="messageRequestMode"):
        MemoryBroker(tmp_path)


async def test_the_master_s_timer_progress_is_on_the_disk_for_java(pair5, tmp_path):
    _, master, sync = pair5
    path = tmp_path / "config/timercheck"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(TimerCheckpoint(1, 22, 33, 4, 5, 6, 7).encode().ljust(4096, b"\0"))
    told = TimerCheckpoint.decode(bytes(master.by_code[60].body))
    assert told.last_read_time_ms > 0
    await sync.sync_timer_checkpoint()
    data = path.read_bytes()
    found = TimerCheckpoint.decode(data)
    assert len(data) == 4096
    assert found.last_read_time_ms == told.last_read_time_ms
    assert found.master_timer_queue_offset == told.master_timer_queue_offset
    assert (found.timestamp, found.counter) == (told.timestamp, told.counter)
    # What this folder's own wheel has come to is nobody else's business.
    assert (found.last_timer_log_flush_pos, found.last_timer_queue_offset) == (22, 33)
    master.by_code[61] = RemotingCommand(0, body=METRICS.encode())
    assert await sync.sync_all()
    assert (tmp_path / "config/timermetrics").read_text() == METRICS


async def test_a_check_point_is_made_where_there_is_none(pair5, tmp_path):
    _, master, sync = pair5
    await sync.sync_timer_checkpoint()
    data = (tmp_path / "config/timercheck").read_bytes()
    assert len(data) == 4096
    assert TimerCheckpoint.decode(data).counter > 0
    assert master.asked[-1][0] == MASTER


@pytest.mark.parametrize("body", [b"", b"[]", b'{"timingCount":3}', b"x"])
async def test_bad_timer_answers_change_nothing(pair5, tmp_path, body, caplog):
    _, master, sync = pair5
    master.by_code[61] = RemotingCommand(0, body=body)
    master.by_code[60] = RemotingCommand(0, body=b"short")
    assert not await sync.sync_all()
    await sync.sync_timer_checkpoint()
    assert not (tmp_path / "config/timermetrics").exists()
    assert "timer check point (GET_TIMER_CHECK_POINT) not taken over" in caplog.text


async def test_a_master_without_timers_is_no_failure(pair5, tmp_path, caplog):
    _, master, sync = pair5
    for code, remark in ((60, "The checkpoint is null"), (61, "The timer message store is null")):
        master.by_code[code] = RemotingCommand(ResponseCode.SYSTEM_ERROR, remark=remark)
    assert await sync.sync_all()
    await sync.sync_timer_checkpoint()
    assert not (tmp_path / "config/timercheck").exists()
    assert "timer" not in caplog.text


def refusal(code: int, version: int) -> RemotingCommand:
    remark = f" request type {code} not supported"
    return RemotingCommand(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark=remark, version=version)


async def test_a_4_9_master_is_not_asked_for_what_came_with_5(pair5, caplog):
    _, master, sync = pair5
    master.by_code = {code: refusal(code, V4_9_7.mq_version) for code in (402, 60, 61)}
    master.by_code |= Master("4.9.7").by_code
    for _ in range(3):
        assert await sync.sync_all()
        await sync.sync_timer_checkpoint()
    assert {command.code for _, command in master.asked} == set(CODES["4.9.7"])
    assert caplog.records == []
    sync.follow("10.0.0.2:10911")
    master.by_code = Master("5.5.0").by_code
    await sync.sync_all()
    assert {command.code for _, command in master.asked} == set(CODES["5.5.0"])


async def test_a_refusal_is_said_once_and_its_end_too(pair5, caplog):
    _, master, sync = pair5
    good = master.by_code[402]
    for answer in (refusal(402, V5_5_0.mq_version), RemotingCommand(16, remark="no"), good):
        master.by_code[402] = answer
        for _ in range(3):
            assert await sync.sync_all() == (answer is good)
    said = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    unsupported = "CODE: 3  DESC:  request type 402 not supported"
    assert said == [
        f"message request modes (GET_ALL_MESSAGE_REQUEST_MODE) not taken over from {MASTER}: {unsupported}  BROKER: {MASTER}",
        f"message request modes (GET_ALL_MESSAGE_REQUEST_MODE) not taken over from {MASTER}: CODE: 16  DESC: no  BROKER: {MASTER}",
        f"message request modes (GET_ALL_MESSAGE_REQUEST_MODE) taken over from {MASTER} after failures: 6",
    ]


async def test_another_master_s_refusal_is_said_again(pair5, caplog):
    _, master, sync = pair5
    master.by_code[60] = refusal(60, V5_5_0.mq_version)
    for addr in (MASTER, MASTER, "10.0.0.2:10911"):
        sync.follow(addr)
        await sync.sync_timer_checkpoint()
        await sync.sync_timer_checkpoint()
    said = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert [line.split(":")[0] for line in said] == [
        "timer check point (GET_TIMER_CHECK_POINT) not taken over from 10.0.0.1",
        "timer check point (GET_TIMER_CHECK_POINT) not taken over from 10.0.0.2",
    ]


def test_4_9_and_a_broker_without_timers_ask_for_none(pair, tmp_path):
    slave, _, sync = pair
    assert sync.wants_timers == (slave.state.release.name == "5.5.0")
    slave.state.config.timer_wheel_enable = False
    assert not sync.wants_timers


async def test_nobody_is_asked_without_a_master(pair):
    slave, master, sync = pair
    for addr in (None, slave.state.config.broker_addr):
        sync.follow(addr)
        assert not await sync.sync_all()
    sync.follow(None)
    await sync.sync_timer_checkpoint()
    assert master.asked == []


async def test_offsets_wait_for_the_log_that_they_are_of(tmp_path, caplog):
    slave = MemoryBroker(tmp_path, broker_role="SLAVE", broker_id=1)
    master = Master("5.5.0")
    status = HARuntimeInfo(master=True, master_commit_log_max_offset=77)
    master.by_code[907] = RemotingCommand(0, body=status.encode())
    ends: list[int] = []

    async def log_reaches(end):
        ends.append(end)
        return False

    sync = SlaveSynchronize(master, slave.state, lambda: None, log_reaches)
    sync.follow(MASTER)
    await sync.sync_timer_checkpoint()
    assert not await sync.sync_all()
    assert ends == [77, 77, 77]
    assert not (tmp_path / "config/timercheck").exists()
    assert slave.state.offsets.query("CID_RMQ_SYS_TRANS", "RMQ_SYS_TRANS_HALF_TOPIC", 0) == -1
    assert slave.state.schedule.levels[1].offset == 0
    assert "goldhcg_ha" in slave.state.groups.table
    assert len(caplog.messages) == 3
    assert caplog.messages[0].endswith("the log is 77 bytes behind the master's")
    master.by_code[907] = RemotingCommand(16, remark="no permission")
    assert await sync.sync_all()  # it doesn't tell: they count as they come
    assert slave.state.offsets.query("CID_RMQ_SYS_TRANS", "RMQ_SYS_TRANS_HALF_TOPIC", 0) == 1
    slave.close()


async def test_large_tables_come_in_pages(tmp_path):
    master = MemoryBroker(tmp_path / "m")
    slave = MemoryBroker(tmp_path / "s", broker_role="SLAVE", broker_id=1)
    for number in range(4100):
        master.state.topics.table[f"t{number:05d}"] = master.state.topics.table["TBW102"]
    master.state.topics.data_version.counter = 4100
    client = master.connect()

    class Direct:
        async def invoke(self, addr, command, timeout_ms):
            return client.call(command)

    sync = SlaveSynchronize(Direct(), slave.state, lambda: None, reaches)
    sync.follow(MASTER)
    assert await sync.sync_all()
    assert slave.state.topics.table.keys() == master.state.topics.table.keys()
    master.close()
    slave.close()


def test_the_second_port():
    assert vip_address("10.0.0.1:10911") == "10.0.0.1:10909"
    assert vip_address("[::1]:10911") == "[::1]:10909"
    assert int(RequestCode.GET_ALL_TOPIC_CONFIG) == 21
