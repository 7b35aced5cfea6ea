"""Each lane beside the handlers, which are the reference: the same bytes for whatever comes."""

from __future__ import annotations

import pytest

from rmqwire.broker.processors.send_lane import HARMLESS, is_plain_name
from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.codec.sys_flag import TRANSACTION_PREPARED_TYPE
from rmqwire.store.folder.file_queue import FileQueue
from tests.support.broker import commands
from tests.support.lanes import (
    KEY,
    MEMBERS,
    TOPIC,
    BothLanes,
    batch_frame,
    on_lane,
    send_frame,
    write_full,
)
from tests.support.requests import pull


@pytest.mark.parametrize("serialize_type", [0, 1])
@pytest.mark.parametrize("v1", [True, False])
def test_plain_sends_are_taken_and_leave_the_same_bytes(lanes, serialize_type, v1):
    data = b"".join(
        send_frame(serialize_type=serialize_type, v1=v1, queue_id=i % 4, opaque=i) for i in range(9)
    )
    answers = lanes.feed(data)[1]
    assert lanes.taken == 9
    assert decode_command(answers[: 4 + int.from_bytes(answers[:4], "big")]).code == 0


ODD = [
    {"topic": "Unknown"},
    {"topic": "%RETRY%group"},
    {"topic": const.RMQ_SYS_SCHEDULE_TOPIC},
    {"queue_id": -1},
    {"queue_id": 4},
    {"body": b""},
    {"body": b"x" * (4 * 1024 * 1024 + 1)},
    {"sys_flag": 4},
    {"sys_flag": 0x80},
    {"batch": True},
    {"unit_mode": True},
    {"flag": 4},
    {"properties": f"WAIT\x01false\x02UNIQ_KEY\x01{KEY}"},
    {"properties": f"DELAY\x013\x02UNIQ_KEY\x01{KEY}"},
    {"properties": f"TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}"},
    {"properties": f"TIMER_DELAY_SEC\x013\x02UNIQ_KEY\x01{KEY}"},
    {"properties": f"A\x011\x02A\x012\x02UNIQ_KEY\x01{KEY}"},
    {"properties": f"A\x02UNIQ_KEY\x01{KEY}"},
    {"properties": "UNIQ_KEY\x01a b\x02TAGS\x01" + "y" * 32_800},
]


def test_whatever_is_not_plain_is_handed_back(lanes):
    for odd in ODD:
        lanes.taken = 0
        lanes.feed(send_frame() + send_frame(**odd) + send_frame())
        assert lanes.taken == 2, odd


def test_oneway_sends_are_taken_and_not_answered(lanes):
    answers = lanes.feed(
        send_frame(flag=2) + batch_frame(MEMBERS[0], flag=2) + send_frame(opaque=7)
    )[1]
    assert [answer.opaque for answer in commands(answers)] == [7]
    assert lanes.feed(send_frame(flag=2)) == [b"", b""]
    assert lanes.taken >= 3


def test_sends_of_many_connections_are_taken_together(lanes):
    plain, mixed = send_frame(), send_frame(queue_id=1) + send_frame(topic="Other")
    answers = lanes.feed_together(plain, mixed, plain + plain, send_frame(flag=2), plain[:50])
    assert lanes.taken == 6
    assert [bool(one) for one in answers] == [True, True, True, False, False]
    lanes.feed_together(plain, batch_frame(*MEMBERS[:3]) + plain)


def test_the_python_goes_on_where_a_connections_sends_are_not_plain(lanes):
    odd = send_frame(topic="Unknown", opaque=5)
    answers = lanes.feed_together(
        send_frame(topic="Other", queue_id=1), send_frame(topic="Other") + odd
    )
    assert [len(commands(one)) for one in answers] == [1, 2]


def test_a_write_that_fails_refuses_the_sends_of_all_connections(lanes, monkeypatch):
    monkeypatch.setattr(FileQueue, "write", write_full)
    batch = batch_frame(*MEMBERS[:2], opaque=9)
    answers = lanes.feed_together(
        send_frame(opaque=1) * 2, batch + send_frame(), send_frame(flag=2)
    )
    assert [len(commands(one)) for one in answers] == [2, 2, 0]
    assert {c.code for one in answers for c in commands(one)} == {
        ResponseCode.SERVICE_NOT_AVAILABLE
    }


def test_a_write_that_fails_refuses_the_sends_alone(lanes, monkeypatch):
    # what other lanes take, of the same connection and of others, is no part of the sends
    ask = pull(TOPIC, consumer_group="CID_ONSAPI_PULL", queue_id=1)
    ask.opaque = 7
    pulled = encode_command(ask)
    lanes.feed(pulled)
    lanes.taken = 0
    monkeypatch.setattr(FileQueue, "write", write_full)
    answers = lanes.feed_together(send_frame(opaque=1) + pulled, pulled, send_frame(opaque=2))
    refused = int(ResponseCode.SERVICE_NOT_AVAILABLE)
    codes = [{c.opaque: c.code for c in commands(answer)} for answer in answers]
    assert codes == [{1: refused, 7: 0}, {7: 0}, {2: refused}]
    assert lanes.taken == 4


def test_a_property_that_rocketmq_knows_is_plain_only_when_it_is_named():
    known = {value for name, value in vars(const).items() if name.startswith("PROPERTY_")}
    assert {name for name in known if is_plain_name(name)} == HARMLESS
    assert {name for name in const.RESERVED_PROPERTIES if is_plain_name(name)} == HARMLESS
    assert is_plain_name("orderId")
    assert not is_plain_name("__anything")


def test_a_message_without_a_unique_key_gets_one_from_the_python(lanes):
    lanes.feed(send_frame(properties="A\x01b"))
    adds = lanes.brokers[0].state.release.broker.stores_region
    assert lanes.taken == (0 if adds else 1)


def test_a_topic_with_attributes_or_many_tags_is_not_plain(lanes):
    for change in ({"topic_filter_type": "MULTI_TAG"}, {"perm": 4}):
        for broker in lanes.brokers:
            config = TopicConfig(TOPIC, 4, 4)
            for name, value in change.items():
                setattr(config, name, value)
            broker.state.topics.table[TOPIC] = config
        lanes.feed(send_frame())
    assert lanes.taken == 0


def test_a_frame_in_pieces_is_taken_when_it_is_whole(lanes):
    data = send_frame() * 3
    for size in (1, 5, 100, len(data) - 1):
        lanes.feed(*[data[at : at + size] for at in range(0, len(data), size)])
    assert lanes.taken > 0


def test_other_requests_between_sends_keep_their_order(lanes):
    ask = encode_command(RemotingCommand(const.MASTER_ID + 30, {"topic": TOPIC, "queueId": "0"}))
    lanes.feed(send_frame() + ask + ask + send_frame(topic="Unknown") + ask + send_frame())
    assert lanes.taken == 2


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_half_messages_in_a_row_are_handed_on_together(lanes, serialize_type):
    half = send_frame(
        serialize_type=serialize_type,
        sys_flag=TRANSACTION_PREPARED_TYPE,
        properties=f"TRAN_MSG\x01true\x02PGROUP\x01g\x02UNIQ_KEY\x01{KEY}\x02",
    )
    plain = send_frame(serialize_type=serialize_type, body=b"TRAN_MSG")
    lanes.asked = 0
    answers = lanes.feed(half * 5 + plain + half * 3)
    assert lanes.taken == 1 + 3  # the first five are those that make the half queue
    assert lanes.asked <= 3  # before the halves, before the plain one, behind it
    assert len(commands(answers[1])) == 9


def test_records_go_on_in_the_next_file_of_the_log(lanes):
    data = send_frame(body=b"x" * 60_000) * 8
    for _ in range(11):
        lanes.feed(data)
    assert (
        lanes.brokers[1].state.store.log.end
        > lanes.brokers[1].loaded.store.mapped_file_size_commit_log
    )
    assert lanes.taken == 87  # the record behind the border is the Python's


def test_a_bad_length_behind_sends_closes_the_connection(lanes):
    lanes.feed(send_frame() + b"\xff\xff\xff\xff rest")
    assert lanes.clients[1].connection.closed


def test_a_hook_sees_every_send(lanes):
    class Hook:
        seen = 0

        def before_request(self, addr, request):
            self.seen += 1

        def after_response(self, addr, request, response):
            pass

    hook = Hook()
    lanes.brokers[1].core.handlers.hooks.append(hook)
    lanes.feed(send_frame() * 3)
    assert (lanes.taken, hook.seen) == (0, 3)


def test_a_handler_that_looks_first_sees_every_send(tmp_path, lane):
    broker = on_lane(lane, tmp_path, V5_5_0)
    assert broker.core.handlers.lane is not None
    broker.loaded.store.broker_role = "SLAVE"
    broker.core.take_role()
    assert broker.core.handlers.lane is None
    broker.loaded.store.broker_role = "ASYNC_MASTER"
    broker.core.take_role()
    assert broker.core.handlers.lane is not None
    broker.close()


@pytest.mark.parametrize("setting", ["broker_permission", "start_accept_send_request_time_stamp"])
def test_a_broker_that_takes_no_sends_refuses_them_on_both_lanes(lanes, setting):
    for broker in lanes.brokers:
        value = 4 if setting == "broker_permission" else broker.clock.ms + 1000
        setattr(broker.loaded.broker, setting, value)
    lanes.feed(send_frame() * 2)
    assert lanes.taken == 0


def test_a_failed_write_refuses_every_send_of_the_pass(lanes, monkeypatch):
    batches = [batch_frame(*MEMBERS[:3], opaque=3), batch_frame(MEMBERS[0], opaque=4, flag=2)]
    lanes.receive(send_frame(opaque=1) + send_frame(opaque=2, serialize_type=0), *batches)
    assert lanes.taken >= 2

    monkeypatch.setattr(FileQueue, "write", write_full)
    codes = [answer.code for answer in commands(lanes.end_pass()[1])]
    assert codes == [ResponseCode.SERVICE_NOT_AVAILABLE] * 3


def test_a_broker_in_trouble_takes_nothing(lanes):
    for broker in lanes.brokers:
        broker.state.store.health.disk_full("a test says so")
    lanes.feed(send_frame() * 2)
    assert lanes.taken == 0


@pytest.mark.parametrize("timed_out", [True, False])
def test_sends_wait_for_the_disk_on_both_lanes(tmp_path, lane, timed_out):
    lanes = BothLanes(tmp_path, V5_5_0, lane, flush_disk_type="SYNC_FLUSH")
    for number in range(2):  # the first makes the queues
        batch = batch_frame(*MEMBERS[:3], opaque=number + 9)
        lanes.feed(
            send_frame(opaque=number) + send_frame(opaque=number + 5, serialize_type=0) + batch
        )
        for broker in lanes.brokers:
            store = broker.state.store
            broker.clock.ms += 60_000 if timed_out else 0
            store.expire_waits()
            store.puts.flushed(store.log.end, store.log.last_store_timestamp)
        codes = [answer.code for answer in commands(lanes.compare()[1])]
        assert codes == [ResponseCode.FLUSH_DISK_TIMEOUT if timed_out else 0] * 3
    assert lanes.taken == 5
    lanes.close()


def test_the_answers_of_a_sync_master_are_the_same(tmp_path, lane):
    lanes = BothLanes(tmp_path, V4_9_7, lane, broker_role="SYNC_MASTER")
    for _ in range(2):
        codes = [answer.code for answer in commands(lanes.feed(send_frame() * 3)[1])]
        assert codes == [ResponseCode.SLAVE_NOT_AVAILABLE] * 3
    assert lanes.taken == 5
    lanes.close()


def test_a_broker_whose_records_have_crcs_has_no_lane(tmp_path, lane):
    broker = on_lane(lane, tmp_path, V5_5_0, enabled_append_prop_crc=True)
    assert broker.core.handlers.lane is None
    broker.close()
