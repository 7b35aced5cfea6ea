"""Pulls at two brokers that differ in their lane alone: the same answers, and the same is remembered."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutate import mutate, with_true_length
from rmqwire.broker.clients.client_table import BROADCASTING, ConsumerGroupInfo
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.consume_queue import UNIT, pack_unit
from rmqwire.codec.headers import PullMessageRequestHeader
from rmqwire.codec.native import NATIVE, PYTHON
from rmqwire.codec.release import release_named
from rmqwire.filter.subscription import build_subscription
from rmqwire.store.folder.file_queue import FileQueue
from tests.support.golden import RELEASE_NAMES, frame_files, frames
from tests.support.lanes import TOPIC, BothLanes, send_frame

RELEASES = [release_named(name) for name in RELEASE_NAMES]
PULLS = {int(RequestCode.PULL_MESSAGE), int(RequestCode.LITE_PULL_MESSAGE)}


@pytest.fixture(
    params=[(release, lane) for release in RELEASES for lane in (PYTHON, NATIVE)],
    ids=lambda param: f"{param[0].name}-{param[1]}",
)
def lanes(request, tmp_path):
    release, lane = request.param
    both = BothLanes(tmp_path, release, lane)
    for number in range(20):
        both.feed(*[send_frame(queue_id=q, body=b"%d" % number * (q + 1) * 30) for q in range(4)])
    yield both
    both.close()


def pull_frame(*, serialize_type=1, opaque=1, flag=0, code=RequestCode.PULL_MESSAGE, **fields):
    """Return the frame of a pull."""
    values = {
        "consumer_group": "CID_ONSAPI_PULL", "topic": TOPIC, "queue_id": 1, "queue_offset": 3,
        "max_msg_nums": 32, "sys_flag": 4, "commit_offset": 0, "suspend_timeout_millis": 15_000,
        "subscription": "*", "sub_version": 0, "expression_type": "TAG",
    }  # fmt: skip
    header = PullMessageRequestHeader(**(values | fields))
    command = RemotingCommand.request(int(code), header, serialize_type=serialize_type)
    command.opaque, command.flag = opaque, flag
    return encode_command(command)


PLAIN = [
    {},
    {"subscription": "TagA"},
    {"subscription": "TagA || TagB"},
    {"expression_type": None},
    {"sys_flag": 7, "commit_offset": 2},
    {"commit_offset": 2**63 - 1},
    {"max_msg_nums": 0},
    {"max_msg_nums": -(2**31)},
    {"max_msg_nums": 2**31 - 1},
    {"max_msg_bytes": 262_144},
]
ODD = [
    {"consumer_group": "nobody"},  # is made, and whoever asked waits until it is written
    {"subscription": "TagB"},
    {"subscription": "||"},
    {"subscription": ""},
    {"expression_type": "SQL92", "subscription": "a > 1"},
    {"sys_flag": 5, "commit_offset": None},
    {"sys_flag": 0},
    {"sys_flag": 12},
    {"sys_flag": 6, "queue_offset": 20},
    {"queue_offset": 20},
    {"queue_offset": 21},
    {"queue_offset": -1},
    {"queue_id": 4},
    {"queue_id": -1},
    {"topic": "Unknown"},
    {"topic": "Other"},
    {"topic": "%RETRY%CID_ONSAPI_PULL"},
    {"request_source": 1},
    {"flag": 2},
]


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_every_kind_of_pull_is_answered_alike(lanes, serialize_type):
    for number, odd in enumerate(PLAIN + ODD):
        lanes.feed(pull_frame(serialize_type=serialize_type, opaque=number, **odd))
        lanes.feed(pull_frame() + pull_frame(**odd) + send_frame() + pull_frame())


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_plain_pulls_are_taken_and_others_are_not(lanes, serialize_type, request):
    in_python = PYTHON in request.node.name
    for fields in PLAIN + ODD:
        lanes.taken = 0
        lanes.feed(pull_frame(serialize_type=serialize_type, **fields))
        by_tags = fields.get("subscription", "*") != "*"  # type: ignore[attr-defined]
        assert lanes.taken == (fields in PLAIN and not (by_tags and in_python)), fields


def test_sends_and_pulls_in_one_piece_are_all_taken(lanes):
    lanes.taken = 0
    lanes.feed((send_frame() + pull_frame() + pull_frame(queue_id=2)) * 3 + pull_frame()[:30])
    assert lanes.taken == 9


def test_pulls_before_sends_are_taken_with_them(lanes):
    lanes.taken = 0
    lanes.feed((pull_frame() + pull_frame(queue_id=2) + send_frame()) * 3)
    assert lanes.taken == 9
    lanes.feed(pull_frame(queue_offset=20) + send_frame() + pull_frame(), pull_frame())
    lanes.feed(pull_frame(), send_frame() + pull_frame(), pull_frame()[:30])


def test_a_read_that_fails_is_answered_alike(lanes, monkeypatch):
    def fail(files, *place):
        if place[-1]:  # but for nothing
            raise OSError(5, "Input/output error")
        return b""

    for name in ("read", "read_each"):
        monkeypatch.setattr(FileQueue, name, fail)
    lanes.taken = 0
    answer = decode_command(lanes.feed(pull_frame(opaque=5))[1])
    assert (answer.code, answer.opaque) == (ResponseCode.SYSTEM_ERROR, 5)
    assert lanes.taken == 0


def test_a_panic_leaves_a_pull_to_the_python(lanes):
    def panic(inputs, here):
        raise RuntimeError("the native lane panicked")

    lanes.brokers[1].core.handlers.lane._pulls._take = panic
    lanes.taken = 0
    lanes.feed(send_frame() + pull_frame() + send_frame())
    assert lanes.taken == 2


def test_pulls_wait_on_both_lanes_while_many_answers_do(lanes):
    for _ in range(3):
        lanes.feed(*[send_frame(queue_id=3, body=b"x" * 60_000) for _ in range(5)])
    pulls = b"".join(pull_frame(queue_id=3, queue_offset=20, opaque=n) for n in range(40))
    lanes.feed(pulls)
    assert lanes.clients[1].connection.paused
    for _ in range(60):
        for client in lanes.clients:
            client.connection.resume()
        lanes.end_pass()
    assert not lanes.clients[1].connection.paused


def test_an_offset_that_was_reset_is_the_pythons(lanes):
    for broker in lanes.brokers:
        broker.state.offsets.assign_reset("CID_ONSAPI_PULL", TOPIC, 1, 1)
    lanes.taken = 0
    lanes.feed(pull_frame())
    assert lanes.taken == 0
    if lanes.brokers[0].state.release.broker.server_side_reset:  # it has taken it
        lanes.feed(pull_frame())
        assert lanes.taken == 1


def forbid_group(state):
    state.groups.table["CID_ONSAPI_PULL"].consume_enable = False


def forbid_topic(state):
    state.topics.table[TOPIC].perm = 2


def forbid_broker(state):
    state.config.broker_permission = 2


def take_queue(state):
    state.topics.table[TOPIC].read_queue_nums = 1


def delete_topic(state):
    state.topics.delete(TOPIC)


def delete_queues(state):
    state.store.delete_topics([TOPIC])


def move_readers(state):
    state.groups.table["CID_ONSAPI_PULL"].broker_id = 3
    state.config.slave_read_enable = True


def take_memory(state):
    state.store.memory_bytes = 0
    state.config.slave_read_enable = True


def limit_messages(state):
    state.store.config.max_transfer_count_on_message_in_memory = 2


def broadcast(state):
    info = state.consumers.groups["CID_ONSAPI_PULL"] = ConsumerGroupInfo("CID_ONSAPI_PULL")
    info.message_model = BROADCASTING


@pytest.mark.parametrize(
    "change",
    [
        forbid_group, forbid_topic, forbid_broker, take_queue, delete_topic, delete_queues,
        move_readers, take_memory, limit_messages, broadcast,
    ],
)  # fmt: skip
def test_what_changes_between_two_pulls_counts_at_once(lanes, change):
    lanes.feed(pull_frame(opaque=1) + pull_frame(opaque=2, queue_id=2))
    before = lanes.feed(pull_frame())[1]
    for broker in lanes.brokers:
        change(broker.state)
    after = lanes.feed(pull_frame())[1]
    if change is not broadcast:
        assert after != before
    lanes.feed(pull_frame(opaque=1) + pull_frame(opaque=2, queue_id=2))


def test_pulls_of_a_group_that_told_its_subscription_are_taken(lanes):
    for broker in lanes.brokers:
        told = build_subscription(TOPIC, "*", sub_version=7)
        broker.state.groups.find("told")
        info = broker.state.consumers.groups["told"] = ConsumerGroupInfo("told")
        info.subscriptions[TOPIC] = told
    told = {"consumer_group": "told", "sys_flag": 2, "subscription": None}
    lanes.taken = 0
    lanes.feed(pull_frame(sub_version=7, **told))
    assert lanes.taken == 1
    lanes.feed(pull_frame(sub_version=8, **told))  # not the latest
    assert lanes.taken == 1


def test_lite_pulls_are_taken_where_they_are_known(lanes):
    lite = pull_frame(code=RequestCode.LITE_PULL_MESSAGE)
    lanes.taken = 0
    lanes.feed(pull_frame() + lite)
    assert lanes.taken == 1 + lanes.brokers[0].state.release.wire.new_body_fields
    for broker in lanes.brokers:
        broker.state.config.lite_pull_message_enable = False
    lanes.feed(lite + pull_frame())


def test_whole_blocks_of_the_log_are_read_alike(lanes, monkeypatch):
    for number in range(40):
        sizes = [8_000 + 97 * number * q for q in range(4)]
        lanes.feed(*[send_frame(queue_id=q, body=b"%d" % q * sizes[q]) for q in range(4)])
    pulls = [
        pull_frame(queue_id=number % 4, queue_offset=20 + number, max_msg_nums=3, opaque=number)
        for number in range(32)
    ]
    lanes.taken = 0
    reads = count_reads(monkeypatch, lanes.brokers[1].state.store.log.queue)
    for opened_at in (0, lanes.brokers[0].state.store.log.end):  # then each record is looked at
        reads.clear()
        for broker in lanes.brokers:
            broker.state.store.log.opened_at = opened_at
        for begin in range(0, 32, 8):
            lanes.feed(b"".join(pulls[begin : begin + 8]))
    assert lanes.taken == 64
    assert len(reads) < 8, "most come from blocks that were read before"


def count_reads(monkeypatch, log):
    """Return a list that gets what is read of a log's files from now on."""
    reads = []

    def noted(name):
        read = getattr(FileQueue, name)

        def read_noted(queue, *place):
            if queue is log:
                reads.append(place)
            return read(queue, *place)

        monkeypatch.setattr(FileQueue, name, read_noted)

    noted("read")
    noted("read_each")
    return reads


def test_a_unit_that_leads_below_what_is_trusted_is_met_by_both(lanes):
    for broker in lanes.brokers:
        store = broker.state.store
        old, queue = store.queues.find(TOPIC, 0).unit(3), store.queues.find(TOPIC, 1)
        store.log.opened_at = store.physical_offset(TOPIC, 1, 5)
        units = queue.tail.read(0, queue.end)
        queue.tail.restart(0)
        queue.tail.append(units[: 8 * UNIT] + pack_unit(*old) + units[9 * UNIT :])
    for begin in (6, 4):
        answer = decode_command(lanes.feed(pull_frame(queue_offset=begin))[1])
        assert answer.ext_fields["nextBeginOffset"] == "8"
    lanes.taken = 0
    lanes.feed(pull_frame(queue_offset=6, max_msg_nums=2))
    assert lanes.taken == 1


def test_a_pull_gets_what_was_sent(lanes):
    answer = decode_command(lanes.feed(pull_frame())[1])
    assert (answer.code, answer.remark) == (0, "FOUND")
    assert answer.ext_fields["nextBeginOffset"] == answer.ext_fields["maxOffset"] == "20"


def test_pulls_that_wait_are_answered_alike(lanes):
    lanes.feed(pull_frame(sys_flag=6, queue_offset=20))
    for broker in lanes.brokers:
        assert len(broker.state.held_pulls) == 1
    lanes.feed(send_frame(queue_id=1))


def test_what_groups_have_pulled_is_remembered_alike(lanes):
    lanes.feed(pull_frame(sys_flag=5, commit_offset=2), pull_frame(queue_id=2, subscription="x"))
    tables = [broker.state.offsets for broker in lanes.brokers]
    assert tables[0].table == tables[1].table
    assert tables[0].pull_table == tables[1].pull_table
    groups = [broker.state.consumers.compensation for broker in lanes.brokers]
    assert groups[0].keys() == groups[1].keys()
    for name, info in groups[0].items():
        assert info.subscriptions == groups[1][name].subscriptions
    for name in ("get_found", "get_messages", "get_miss"):
        ours, theirs = [getattr(b.state.store.stats, name) for b in lanes.brokers]
        assert ours == theirs


def test_every_recorded_pull_is_answered_alike(lanes):
    for path in frame_files():
        found = [frame for entry, frame in frames(path) if entry["kind"] == "request"]
        pulls = [frame for frame in found if decode_command(frame).code in PULLS]
        if pulls:
            lanes.feed(*pulls)
            lanes.reconnect()


def test_mutated_pulls_are_answered_alike(lanes):
    rng = Random(5)
    pool = [pull_frame(serialize_type=s, opaque=n) for s in (0, 1) for n in range(3)]
    for _ in range(200):
        pieces = [
            with_true_length(mutate(rng, pool)) if rng.random() < 0.6 else rng.choice(pool)
            for _ in range(rng.randrange(1, 5))
        ]
        lanes.feed(*pieces)
        if lanes.clients[0].connection.closed:
            lanes.reconnect()


_OFFSETS = st.one_of(st.integers(-2, 22), st.sampled_from([2**63 - 1, -(2**63)]))


@given(
    st.lists(
        st.one_of(
            st.just(None),
            st.fixed_dictionaries(
                {"serialize_type": st.sampled_from([0, 1]), "queue_offset": _OFFSETS},
                optional={
                    "queue_id": st.integers(-1, 4),
                    "topic": st.sampled_from([TOPIC, "Other", "none", "\u00e9"]),
                    "consumer_group": st.sampled_from(["g", "\u00e9", "a b", "CID_ONSAPI_PULL"]),
                    "max_msg_nums": st.integers(-1, 40),
                    "sys_flag": st.integers(0, 31),
                    "commit_offset": st.one_of(st.none(), _OFFSETS),
                    "subscription": st.sampled_from(
                        [None, "", "*", "TagA", "TagB||TagA", "|", "\u00e9"]
                    ),
                    "expression_type": st.sampled_from([None, "", "TAG", "SQL92", "tag"]),
                    "sub_version": st.one_of(st.none(), _OFFSETS),
                    "opaque": st.integers(-(2**31), 2**31 - 1),
                    "flag": st.sampled_from([0, 2]),
                },
            ),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pulls_are_answered_alike(lanes, asked):
    lanes.feed(b"".join(send_frame() if one is None else pull_frame(**one) for one in asked))
    tables = [broker.state.offsets for broker in lanes.brokers]
    assert tables[0].table == tables[1].table
    assert tables[0].pull_table == tables[1].pull_table
    if lanes.clients[0].connection.closed:
        lanes.reconnect()
