"""The lane of the transactions beside the handlers, which are the reference: the same bytes for whatever comes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutate import mutate, with_true_length
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.native import NATIVE, PYTHON, module_fault
from rmqwire.codec.release import release_named
from rmqwire.store.folder.file_queue import FileQueue
from tests.support import requests
from tests.support.broker import commands
from tests.support.golden import RELEASE_NAMES
from tests.support.lanes import (
    KEY,
    TOPIC,
    BothLanes,
    batch_frame,
    end_frame,
    half_frame,
    send_frame,
)

COMMIT, ROLLBACK, UNKNOWN = 8, 12, 0
needs_module = pytest.mark.skipif(bool(module_fault()), reason="no native lane")
RELEASES = [release_named(name) for name in RELEASE_NAMES]


@pytest.fixture(params=[PYTHON, pytest.param(NATIVE, marks=needs_module)])
def lane(request):
    return request.param


def warm(both: BothLanes) -> None:
    """Let all queues be there."""
    both.warm()
    both.feed(half_frame(0))
    both.taken = 0


@pytest.fixture(params=RELEASES, ids=RELEASE_NAMES)
def lanes(request, tmp_path, lane):
    both = BothLanes(tmp_path, request.param, lane)
    warm(both)
    yield both
    both.close()


def prepare(lanes: BothLanes, count: int, **fields: object) -> list[RemotingCommand]:
    """Send half messages; return their answers."""
    data = b"".join(half_frame(n + 1, queue_id=n % 4, **fields) for n in range(count))
    return commands(lanes.feed(data)[1])


@pytest.mark.parametrize("serialize_type", [0, 1])
@pytest.mark.parametrize("v1", [True, False])
def test_plain_transactions_are_taken_and_leave_the_same_bytes(lanes, serialize_type, v1):
    answers = prepare(lanes, 20, serialize_type=serialize_type, v1=v1)
    assert (len(answers), lanes.taken) == (20, 20)
    ends = [
        end_frame(one, ROLLBACK if n % 5 == 4 else COMMIT, serialize_type=serialize_type)
        for n, one in enumerate(answers)
    ]
    more = [half_frame(n + 50, serialize_type=serialize_type) for n in range(20)]
    pairs = zip(ends, more, strict=True)
    lanes.feed(b"".join(end + half for end, half in pairs) + send_frame() + more[0])
    assert lanes.taken == 20 + 40 + 2


@pytest.mark.parametrize("how", [COMMIT, ROLLBACK])
def test_a_transaction_ends_once(lanes, how):
    answers = prepare(lanes, 6)
    first = end_frame(answers[0], how)
    lanes.feed(first + first, end_frame(answers[1], how))
    assert lanes.taken == 6 + 2  # the second of the same is the handler's
    lanes.feed(first + end_frame(answers[1], COMMIT + ROLLBACK - how))
    lanes.feed(end_frame(answers[2], how, flag=0))
    lanes.feed(end_frame(answers[3], how))
    assert lanes.taken == 6 + 2 + 1


ODD_HALVES = [
    {"topic": "Unknown"},
    {"queue_id": 4},
    {"queue_id": -1},
    {"body": b""},
    {"sys_flag": 8},
    {"batch": True},
    {"properties": "TRAN_MSG\x01true\x02PGROUP\x01producers\x02"},
    {"properties": f"TRAN_MSG\x01true\x02XUNIQ_KEY\x01{KEY}\x02PGROUP\x01producers\x02"},
    {"properties": f"TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}\x02DELAY\x013\x02"},
    {
        "properties": f"TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}\x02CHECK_IMMUNITY_TIME_IN_SECONDS\x013\x02"
    },
    {"properties": f"TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}\x02REAL_TOPIC\x01Other\x02"},
    {"properties": f"TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}\x02WAIT\x01false\x02"},
    {"properties": f"TRAN_MSG\x01TRUE\x02UNIQ_KEY\x01{KEY}\x02"},
    {"properties": f"TRAN_MSG\x01false\x02UNIQ_KEY\x01{KEY}\x02"},
    {"properties": f"TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}\x02TRAN_MSG\x01true\x02"},
]


def test_half_messages_that_are_not_plain_are_handed_back(lanes):
    for odd in ODD_HALVES:
        lanes.taken = 0
        answers = commands(lanes.feed(half_frame(1) + half_frame(2, **odd) + send_frame())[1])
        assert lanes.taken == 2, odd
        ends = [end_frame(one, COMMIT) for one in answers[:2] if one.code == 0]
        lanes.feed(*ends)


def test_half_messages_of_any_names_are_the_same(lanes):
    names = [
        "TAGS\x01T",
        "a\x01b\x01c",
        "orderId\x01%s",
        "b%b\x011",
        "x" * 30 + "\x01é",
        "INSTANCE_ID\x01i",
    ]
    rng = Random(5)
    for number in range(21):
        rng.shuffle(names)
        some = [
            *names[: number % 7],
            "TRAN_MSG\x01true",
            f"UNIQ_KEY\x01{KEY}{number}",
            "PGROUP\x01producers",
        ]
        rng.shuffle(some)
        answers = prepare(lanes, 3, properties="\x02".join(some) + "\x02" * (number % 2))
        lanes.feed(b"".join(end_frame(one, COMMIT) for one in answers))
    assert lanes.taken == 21 * 6


ODD_ENDS = [
    {"flag": 0},
    {"body": b"x"},
    {"remark": "executeLocalTransactionBranch exception: null"},
    {"how": UNKNOWN},
    {"producer_group": "others"},
    {"producer_group": "producer"},
    {"tran_state_table_offset": 0},
    {"commit_log_offset": 7},
    {"commit_log_offset": -1},
    {"from_transaction_check": True},
    {"msg_id": "a b"},
    {"ns": "x"},
]


@pytest.mark.parametrize("serialize_type", [0, 1])
@pytest.mark.parametrize("odd", ODD_ENDS, ids=str)
def test_ends_that_are_not_plain_are_handed_back(lanes, odd, serialize_type):
    answers = prepare(lanes, 12)
    for one in answers[:10]:  # that their headers are known
        lanes.feed(end_frame(one, COMMIT, serialize_type=serialize_type))
    lanes.taken = 0
    fields = {"how": COMMIT} | odd
    lanes.feed(end_frame(answers[10], serialize_type=serialize_type, **fields))
    assert lanes.taken == 0
    lanes.feed(end_frame(answers[11], COMMIT, serialize_type=serialize_type))
    assert lanes.taken == 1


def test_an_end_of_a_half_message_that_is_no_longer_kept_is_the_handlers(lanes):
    (answer,) = prepare(lanes, 1)
    for broker in lanes.brokers:
        broker.state.transactions.recent.clear()
    lanes.feed(end_frame(answer, COMMIT))
    assert lanes.taken == 1


def test_an_end_of_a_half_message_that_a_copy_took_the_place_of_is_the_handlers(lanes):
    answers = prepare(lanes, 2)
    for broker in lanes.brokers:
        broker.state.transactions.queue.end(int(answers[0].ext_fields["queueOffset"]), -1)
    lanes.feed(end_frame(answers[0], COMMIT))
    assert lanes.taken == 2


def test_transactions_of_many_connections_are_taken_together(lanes):
    answers = prepare(lanes, 3)
    ends = [end_frame(one, COMMIT) for one in answers]
    lanes.feed_together(ends[0] + half_frame(8), half_frame(9), ends[1], ends[2])
    assert lanes.taken == 3 + 5


def test_transactions_beside_pulls_are_taken(lanes):
    (answer,) = prepare(lanes, 1)
    pull = encode_command(requests.pull(TOPIC))
    lanes.feed_together(pull, end_frame(answer, COMMIT) + half_frame(9), pull + half_frame(8))
    assert lanes.taken >= 1 + 3


def test_a_broker_that_takes_no_transactions_refuses_them_on_both_lanes(lanes):
    for broker in lanes.brokers:
        broker.loaded.broker.reject_transaction_message = True
    (refused,) = prepare(lanes, 1)
    assert (refused.code, lanes.taken) == (ResponseCode.NO_PERMISSION, 0)


def test_a_failed_write_refuses_the_half_messages_and_takes_the_ends_back(lanes, monkeypatch):
    answers = prepare(lanes, 2)
    ends = [end_frame(one, COMMIT) for one in answers]
    with monkeypatch.context() as patched:

        def fail(queue, data, offset):
            raise OSError(28, "No space left on device")

        patched.setattr(FileQueue, "write", fail)
        refused = commands(lanes.feed(half_frame(7) + ends[0] + half_frame(8, flag=2))[1])
        assert [one.code for one in refused] == [ResponseCode.SERVICE_NOT_AVAILABLE]
    assert lanes.taken == 2 + 3
    for broker in lanes.brokers:
        broker.state.transactions.recent.clear()  # the lane's knows the one less that it tried to end
        broker.state.store.health.reason = ""
    lanes.feed(ends[0] + ends[1])
    assert [lanes.brokers[1].state.store.max_offset(TOPIC, n) for n in (0, 1)] == [2, 2]


@pytest.mark.parametrize("timed_out", [True, False])
def test_transactions_wait_for_the_disk_on_both_lanes(tmp_path, lane, timed_out):
    lanes = BothLanes(tmp_path, RELEASES[1], lane, flush_disk_type="SYNC_FLUSH")

    def flush() -> list[RemotingCommand]:
        for broker in lanes.brokers:
            store = broker.state.store
            broker.clock.ms += 60_000 if timed_out else 0
            store.expire_waits()
            store.puts.flushed(store.log.end, store.log.last_store_timestamp)
        return commands(lanes.compare()[1])

    lanes.warm()
    flush()
    lanes.feed(half_frame(0))
    flush()
    lanes.taken = 0
    lanes.feed(half_frame(1) + half_frame(2, queue_id=1, serialize_type=0) + half_frame(3, flag=2))
    answers = flush()
    code = ResponseCode.FLUSH_DISK_TIMEOUT if timed_out else ResponseCode.SUCCESS
    assert [answer.code for answer in answers] == [code, code]
    lanes.feed(end_frame(answers[0], COMMIT) + end_frame(answers[1], ROLLBACK))
    flush()
    assert lanes.taken == 5
    lanes.close()


def test_the_answers_of_a_sync_master_are_the_same(tmp_path, lane):
    lanes = BothLanes(tmp_path, RELEASES[0], lane, broker_role="SYNC_MASTER")
    warm(lanes)
    answers = prepare(lanes, 3)
    assert {answer.code for answer in answers} == {ResponseCode.SLAVE_NOT_AVAILABLE}
    lanes.feed(*[end_frame(answer, COMMIT) for answer in answers])
    assert lanes.taken == 6
    lanes.close()


def test_transactions_go_on_in_the_next_file_of_the_log(lanes):
    for _ in range(11):
        answers = prepare(lanes, 4, body=b"x" * 60_000)
        lanes.feed(b"".join(end_frame(one, COMMIT) for one in answers))
    log = lanes.brokers[1].state.store.log
    assert log.end > lanes.brokers[1].loaded.store.mapped_file_size_commit_log


def test_mutated_and_interleaved_transactions_leave_the_same_on_both_lanes(lanes):
    rng = Random(12)
    open_answers = prepare(lanes, 8)
    for number in range(70):
        pool = [half_frame(n, serialize_type=n % 2, queue_id=n % 4) for n in range(4)]
        pool += [
            end_frame(rng.choice(open_answers), rng.choice((COMMIT, ROLLBACK)), serialize_type=n)
            for n in (0, 1)
        ]
        pool += [send_frame(), batch_frame("UNIQ_KEY\x01K")]
        pieces = [
            with_true_length(mutate(rng, pool)) if rng.random() < 0.3 else rng.choice(pool)
            for _ in range(rng.randrange(1, 6))
        ]
        data = b"".join(pieces)
        cut = rng.randrange(len(data) + 1)
        answers = [one for one in commands(lanes.feed(data[:cut], data[cut:])[1]) if one.code == 0]
        of_halves = [
            one
            for one in answers
            if "msgId" in (one.ext_fields or {}) and "," not in one.ext_fields["msgId"]
        ]
        open_answers = (open_answers + of_halves)[-12:]
        if number % 3 == 0 or lanes.clients[0].connection.closed:
            lanes.reconnect()
    assert lanes.taken > 50


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("half"), st.integers(0, 4), st.sampled_from([0, 1]), st.sampled_from([0, 2])),
        st.tuples(
            st.just("end"), st.integers(0, 9), st.sampled_from([COMMIT, ROLLBACK, UNKNOWN]), st.sampled_from([0, 2])
        ),
        st.tuples(st.just("send"), st.integers(0, 3), st.sampled_from([0, 1]), st.just(0)),
        st.just(("pass", 0, 0, 0)),
        st.just(("ops", 0, 0, 0)),
    ),
    max_size=30,
)  # fmt: skip


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_STEPS)
def test_any_order_of_steps_leaves_the_same_on_both_lanes(lanes, steps):
    known = prepare(lanes, 2)
    waiting: list[bytes] = []
    for number, (what, first, second, flag) in enumerate([*steps, ("pass", 0, 0, 0)]):
        if what == "half":
            waiting.append(half_frame(number, queue_id=first, serialize_type=second, flag=flag))
        elif what == "end":
            answer = known[-1 - first % len(known)]
            waiting.append(end_frame(answer, second, flag=flag, serialize_type=first % 2))
        elif what == "send":
            waiting.append(send_frame(queue_id=first, serialize_type=second))
        elif what == "ops":
            for broker in lanes.brokers:
                broker.state.transactions.write_ops(early=True)
        else:
            answers = commands(lanes.feed(b"".join(waiting))[1])
            waiting = []
            known += [one for one in answers if one.code == 0 and "msgId" in (one.ext_fields or {})]
