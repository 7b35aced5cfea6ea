"""Each lane beside the handlers, which are the reference: the same bytes for whatever comes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutate import mutate, with_true_length
from rmqwire.broker.processors import plain_sends
from rmqwire.broker.processors.send_lane import HARMLESS, is_plain_name
from rmqwire.codec import message_const as const
from rmqwire.codec.batch import encode_entry
from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.native import NATIVE, PYTHON, module_fault
from rmqwire.codec.record_batch import make_records
from rmqwire.codec.release import release_named
from rmqwire.codec.sys_flag import TRANSACTION_PREPARED_TYPE
from rmqwire.remoting.lane_turn import take_together
from rmqwire.store.folder.file_queue import FileQueue
from tests.support.broker import commands
from tests.support.golden import RELEASE_NAMES, frame_files, frames
from tests.support.lanes import KEY, TOPIC, BothLanes, batch_frame, on_lane, send_frame
from tests.support.requests import pull

needs_module = pytest.mark.skipif(bool(module_fault()), reason="no native lane")
RELEASES = [release_named(name) for name in RELEASE_NAMES]


@pytest.fixture(params=[PYTHON, pytest.param(NATIVE, marks=needs_module)])
def lane(request):
    return request.param


@pytest.fixture(params=RELEASES, ids=RELEASE_NAMES)
def lanes(request, tmp_path, lane):
    both = BothLanes(tmp_path, request.param, lane)
    both.warm()
    both.taken = 0
    yield both
    both.close()


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


MEMBERS = [f"UNIQ_KEY\x01{KEY}{n}\x02TAGS\x01T{n}\x02KEYS\x01é{n}\x02" for n in range(20)]


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_batches_are_taken_where_their_messages_are_stored_as_they_came(lanes, serialize_type):
    as_they_came = not lanes.brokers[0].state.release.broker.appends_batch_properties
    for count in (1, 2, 7, 8, 20):  # the ids of 8 are longer than a template's
        data = batch_frame(
            *MEMBERS[:count], serialize_type=serialize_type, queue_id=2, opaque=count
        )
        lanes.feed(send_frame() + data + data + send_frame(queue_id=2))
    assert lanes.taken == 5 * (4 if as_they_came else 2)


ODD_BATCHES: list[dict[str, Any]] = [
    {"members": ["DELAY\x013\x02UNIQ_KEY\x01K"]},
    {"members": ["INNER_NUM\x013\x02UNIQ_KEY\x01K"]},
    {"members": ["A\x02UNIQ_KEY\x01K"]},
    {"members": ["TAGS\x01a\x02TAGS\x01b\x02UNIQ_KEY\x01K"]},
    {"members": []},
    {"properties": f"UNIQ_KEY\x01{KEY}\x02WAIT\x01false\x02"},
    {"properties": f"UNIQ_KEY\x01{KEY}\x02DELAY\x012\x02"},
    {"properties": "UNIQ_KEY\x01a-b\x02"},
    {"body": b"x" * 50},
    {"topic": "Unknown"},
    {"sys_flag": 4},
]


def test_batches_that_are_not_plain_are_handed_back(lanes, lane):
    for odd in ODD_BATCHES:
        lanes.taken = 0
        members = odd.get("members", MEMBERS[:2])
        fields = {name: value for name, value in odd.items() if name != "members"}
        lanes.feed(send_frame() + batch_frame(MEMBERS[0], *members, **fields) + send_frame())
        of_members = (
            lane == PYTHON and "members" in odd
        )  # it looks at no more than is stored of them
        if members and not of_members:
            assert lanes.taken == 2, odd


def test_oneway_sends_are_taken_and_not_answered(lanes):
    answers = lanes.feed(
        send_frame(flag=2) + batch_frame(MEMBERS[0], flag=2) + send_frame(opaque=7)
    )[1]
    assert [answer.opaque for answer in commands(answers)] == [7]
    assert lanes.feed(send_frame(flag=2)) == [b"", b""]
    assert lanes.taken >= 3


def test_a_batch_that_does_not_fit_into_its_file_is_the_pythons(lanes):
    data = batch_frame(*MEMBERS[:3], body=encode_entry(1, b"x" * 60_000, b"UNIQ_KEY\x01K") * 3)
    for _ in range(30):
        lanes.feed(data)
    log = lanes.brokers[1].state.store.log
    assert log.end > lanes.brokers[1].loaded.store.mapped_file_size_commit_log


def feed_together(lanes, *brought):
    """Let as many connections bring this in one pass: to the lane in one call; compare."""
    clients = [
        [b.connect(f"127.0.0.1:{50001 + n}") for n in range(len(brought))] for b in lanes.brokers
    ]
    for client in (one for both in clients for one in both):
        client.connection.corked = True
    for client, data in zip(clients[0], brought, strict=True):
        client.connection.receive_data(data)
    pairs = zip(clients[1], brought, strict=True)
    offered = [(client.connection, client.connection.offer(data), 0) for client, data in pairs]
    taken = take_together(offered)
    assert None not in taken
    for (connection, data, _), one in zip(offered, taken, strict=True):
        connection.go_on(data, one)
    lanes.end_pass()
    answers = [[client.connection.data_to_send() for client in both] for both in clients]
    assert answers[0] == answers[1]
    return answers[1]


def test_sends_of_many_connections_are_taken_together(lanes):
    plain, mixed = send_frame(), send_frame(queue_id=1) + send_frame(topic="Other")
    answers = feed_together(lanes, plain, mixed, plain + plain, send_frame(flag=2), plain[:50])
    assert lanes.taken == 6
    assert [bool(one) for one in answers] == [True, True, True, False, False]
    feed_together(lanes, plain, batch_frame(*MEMBERS[:3]) + plain)


def test_the_python_goes_on_where_a_connections_sends_are_not_plain(lanes):
    odd = send_frame(topic="Unknown", opaque=5)
    answers = feed_together(
        lanes, send_frame(topic="Other", queue_id=1), send_frame(topic="Other") + odd
    )
    assert [len(commands(one)) for one in answers] == [1, 2]


def write_full(queue, data, offset):
    raise OSError(28, "No space left on device")


def test_a_write_that_fails_refuses_the_sends_of_all_connections(lanes, monkeypatch):
    monkeypatch.setattr(FileQueue, "write", write_full)
    batch = batch_frame(*MEMBERS[:2], opaque=9)
    answers = feed_together(
        lanes, send_frame(opaque=1) * 2, batch + send_frame(), send_frame(flag=2)
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
    answers = feed_together(lanes, send_frame(opaque=1) + pulled, pulled, send_frame(opaque=2))
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
    broker = on_lane(lane, tmp_path, RELEASES[1])
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
    lanes = BothLanes(tmp_path, RELEASES[1], lane, flush_disk_type="SYNC_FLUSH")
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
    lanes = BothLanes(tmp_path, RELEASES[0], lane, broker_role="SYNC_MASTER")
    for _ in range(2):
        codes = [answer.code for answer in commands(lanes.feed(send_frame() * 3)[1])]
        assert codes == [ResponseCode.SLAVE_NOT_AVAILABLE] * 3
    assert lanes.taken == 5
    lanes.close()


def _golden_requests() -> list[bytes]:
    """Return every request of the recordings that a lane must look at, and some others."""
    found = []
    for path in frame_files():
        for entry, frame in frames(path):
            if entry["kind"] == "request":
                found.append(frame)
    return found


def test_every_recorded_request_leaves_the_same_on_both_lanes(tmp_path, lane):
    lanes = BothLanes(tmp_path, RELEASES[1], lane)
    sends = [frame for frame in _golden_requests() if decode_command(frame).code in {10, 310, 320}]
    assert len(sends) > 100
    for _ in range(2):  # the second time their topics are known
        lanes.feed(*sends)
        lanes.reconnect()
    assert lanes.taken > len(sends) // 4
    lanes.close()


def test_mutated_and_interleaved_sends_leave_the_same_on_both_lanes(lanes):
    rng = Random(11)
    pool = [send_frame(serialize_type=s, v1=v) for s in (0, 1) for v in (True, False)]
    pool += [batch_frame(*MEMBERS[:2], serialize_type=s, flag=f) for s in (0, 1) for f in (0, 2)]
    for number in range(200):
        pieces = [
            with_true_length(mutate(rng, pool)) if rng.random() < 0.6 else rng.choice(pool)
            for _ in range(rng.randrange(1, 5))
        ]
        data = b"".join(pieces)
        cut = rng.randrange(len(data) + 1)
        lanes.feed(data[:cut], data[cut:])
        if number % 3 == 0 or lanes.clients[0].connection.closed:
            lanes.reconnect()
    assert lanes.taken > 60


_NAMES = st.sampled_from(
    ["KEYS", "TAGS", "WAIT", "UNIQ_KEY", "a", "orderId", "INSTANCE_ID", "DELAY", "", "ключ"]
)
_VALUES = st.one_of(
    st.sampled_from(["true", "false", "", KEY, "a b", "0", "3", "\x01", "é𝄞"]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
_ENTRIES = st.lists(st.tuples(_NAMES, _VALUES), max_size=5)
_NUMBERS = st.one_of(
    st.sampled_from([0, 1, 3, 4, -1, 0x100, 0x200, 2**31 - 1, -(2**31), 2**31]), st.integers(0, 9)
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"serialize_type": st.sampled_from([0, 1]), "v1": st.booleans()},
            optional={
                "topic": st.sampled_from([TOPIC, "Other", "none", "é"]),
                "queue_id": st.integers(-1, 4),
                "properties": st.one_of(
                    st.none(), _ENTRIES.map(lambda e: "\x02".join(f"{n}\x01{v}" for n, v in e))
                ),
                "body": st.binary(max_size=40),
                "opaque": st.integers(-(2**31), 2**31 - 1),
                "reconsume_times": _NUMBERS,
                "born_timestamp": _NUMBERS,
                "sys_flag": st.sampled_from([0, 1, 2, 4, 8, 0x10, 0x40, 0x101, 0x700]),
                "flag": st.sampled_from([0, 1, 2]),
            },
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sends_leave_the_same_on_both_lanes(lanes, sends):
    lanes.feed(b"".join(send_frame(**values) for values in sends))
    if lanes.clients[0].connection.closed:
        lanes.reconnect()


@given(
    st.lists(st.lists(st.tuples(_NAMES, _VALUES), max_size=4), max_size=4),
    st.sampled_from([0, 1]),
    st.sampled_from([0, 2]),
    st.integers(0, 3),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_batch_leaves_the_same_on_both_lanes(lanes, members, serialize_type, flag, queue_id):
    texts = ["\x02".join(f"{n}\x01{v}" for n, v in entries) for entries in members]
    fields = {"serialize_type": serialize_type, "flag": flag, "queue_id": queue_id}
    lanes.feed(batch_frame(*texts, **fields) + batch_frame(*MEMBERS[:2], *texts, **fields))


_ALIKE = st.fixed_dictionaries(
    {
        "queue_id": st.integers(0, 4),
        "born_timestamp": st.sampled_from([1_795_228_300_000, 1_795_228_300_001]),
        "flag": st.sampled_from([0, 0, 0, 2]),
        "serialize_type": st.sampled_from([1, 1, 1, 0]),
    }
)
_MEMBER_OF_ALIKE = st.tuples(
    st.sampled_from([b"abcd", b"abcd", b"efgh", b"ab"]),
    st.sampled_from(["TAGS\x01TagA", "TAGS\x01TagB", "TAGS\x01Tag", "INNER_NUM\x012", "TAGS\x01"]),
)


@given(
    st.lists(
        st.tuples(_ALIKE, st.lists(_MEMBER_OF_ALIKE, min_size=2, max_size=2)),
        min_size=2,
        max_size=9,
    )
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_in_a_row_leave_the_same_on_both_lanes(lanes, batches):
    frames = []
    for number, (fields, members) in enumerate(batches):
        body = b"".join(
            encode_entry(3, body, f"{text}\x02UNIQ_KEY\x01K{number}{at}\x02".encode())
            for at, (body, text) in enumerate(members)
        )
        frames.append(batch_frame(body=body, opaque=number, **fields))
    lanes.feed(b"".join(frames))


def alike_batches(count, **fields):
    """Return so many batches of two messages that may be made records together."""
    body = b"".join([encode_entry(3, b"abcd", MEMBERS[n].encode()) for n in range(2)])
    return [
        batch_frame(body=body, queue_id=number % 3, opaque=number, **fields)
        for number in range(count)
    ]


def test_up_to_four_batches_in_a_row_become_records_in_one_call(lanes, lane, monkeypatch):
    made = []

    def noted(*columns, **fields):
        made.append(len(columns[0]))
        return make_records(*columns, **fields)

    monkeypatch.setattr(plain_sends, "make_records", noted)
    lanes.feed(b"".join(alike_batches(9)) + send_frame())
    in_python = lane == PYTHON and lanes.taken == 10
    assert made == ([8, 8, 2] if in_python else [])
    assert lanes.taken == (
        1 if lanes.brokers[0].state.release.broker.appends_batch_properties else 10
    )


def test_a_failed_write_refuses_each_of_the_batches_in_a_row(lanes, monkeypatch):
    monkeypatch.setattr(FileQueue, "write", write_full)
    batches = alike_batches(5) + alike_batches(3, flag=2) + [send_frame(opaque=9)]
    answers = commands(lanes.feed(b"".join(batches))[1])
    refused = int(ResponseCode.SERVICE_NOT_AVAILABLE)
    assert [(one.opaque, one.code) for one in answers] == [
        (opaque, refused) for opaque in (0, 1, 2, 3, 4, 9)
    ]


def test_batches_in_a_row_that_do_not_fit_into_the_file_are_taken_as_far_as_they_do(lanes):
    body = encode_entry(1, b"x" * 40_000, b"UNIQ_KEY\x01K") * 2
    data = [batch_frame(body=body, queue_id=number % 4) for number in range(9)]
    for _ in range(15):
        lanes.feed(b"".join(data))
    log = lanes.brokers[1].state.store.log
    assert log.end > 2 * lanes.brokers[1].loaded.store.mapped_file_size_commit_log
    assert lanes.taken > 100 or lanes.brokers[1].state.release.broker.appends_batch_properties


def test_a_broker_whose_records_have_crcs_has_no_lane(tmp_path, lane):
    broker = on_lane(lane, tmp_path, RELEASES[1], enabled_append_prop_crc=True)
    assert broker.core.handlers.lane is None
    broker.close()
