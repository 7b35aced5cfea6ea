"""The lane of the acks beside the handler, which is the reference: the same bytes for whatever comes."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.mutate import mutate, with_true_length
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.headers import AckMessageRequestHeader, PopMessageRequestHeader
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.native import NATIVE, PYTHON, module_fault
from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.release import V5_5_0
from rmqwire.store.folder.file_queue import FileQueue
from tests.broker.pop.support import messages_of
from tests.support.broker import commands
from tests.support.lanes import TOPIC, BothLanes, send_frame

GROUP = "poppers"
needs_module = pytest.mark.skipif(bool(module_fault()), reason="no native lane")


@pytest.fixture(params=[PYTHON, pytest.param(NATIVE, marks=needs_module)])
def lane(request):
    return request.param


@pytest.fixture
def lanes(tmp_path, lane):
    both = BothLanes(tmp_path, V5_5_0, lane)
    begin(both)
    yield both
    both.close()


def begin(lanes: BothLanes) -> None:
    """Let messages be there, and the queue of the timers."""
    lanes.warm()
    lanes.feed(b"".join(send_frame(queue_id=n % 4, opaque=n) for n in range(60)))
    (first, *_) = pop(lanes, 1)
    lanes.feed(ack(first))
    lanes.taken = 0


def pop(lanes: BothLanes, count: int, **fields: object) -> list[StoredMessage]:
    """Pop messages."""
    now = lanes.brokers[0].clock.ms
    usual = {
        "consumer_group": GROUP, "topic": TOPIC, "queue_id": -1, "max_msg_nums": count,
        "invisible_time": 30_000, "poll_time": 0, "born_time": now,
    }  # fmt: skip
    header = PopMessageRequestHeader(**(usual | fields))
    request = encode_command(RemotingCommand.request(RequestCode.POP_MESSAGE, header))
    (answer,) = commands(lanes.feed(request)[1])
    assert answer.code == 0, answer.remark
    return messages_of(answer, lanes.brokers[0].state.config.broker_name, GROUP)


def ack(
    message: StoredMessage, *, opaque: int = 0, flag: int = 0, body: bytes = b"", **fields: object
) -> bytes:
    """Return the frame of an ack."""
    handle = message.properties["POP_CK"]
    usual = {
        "consumer_group": GROUP, "topic": TOPIC, "queue_id": ExtraInfo.decode(handle).queue_id,
        "extra_info": handle, "offset": message.queue_offset,
    }  # fmt: skip
    header = AckMessageRequestHeader(**(usual | fields))
    request = RemotingCommand.request(RequestCode.ACK_MESSAGE, header, body)
    request.opaque, request.flag = opaque, flag
    return encode_command(request)


def test_plain_acks_are_taken_and_leave_the_same_bytes(lanes):
    messages = pop(lanes, 32) + pop(lanes, 20)
    acks = [ack(message, opaque=n * 50_000) for n, message in enumerate(messages)]
    answers = commands(lanes.feed(b"".join(acks))[1])
    assert [(one.code, one.opaque) for one in answers] == [
        (0, n * 50_000) for n in range(len(acks))
    ]
    assert lanes.taken == len(acks) >= 40
    inflight = [broker.state.pop.inflight._counts for broker in lanes.brokers]
    assert inflight[0] == inflight[1] == {}


def test_acks_between_other_requests_are_taken(lanes):
    messages = pop(lanes, 8)
    acks = [ack(message) for message in messages]
    odd = ack(messages[0], offset=10**6)
    other = encode_command(RemotingCommand(30, {"topic": TOPIC, "queueId": "0"}))
    data = [acks[0], send_frame(), acks[1], other, acks[2], acks[3], odd, other, acks[4]]
    lanes.feed(b"".join(data))
    assert lanes.taken == 5  # what stands behind one that was declined goes with it


ODD = [
    {"flag": 2},
    {"body": b"x"},
    {"offset": 10**6},
    {"offset": -1},
    {"queue_id": 4},
    {"queue_id": -1},
    {"topic": "none"},
    {"lite_topic": "l"},
    {"extra_info": "1 2 3"},
    {"extra_info": "0 1795228300000 60000 999 0 broker-a 0 0"},  # order
    {"extra_info": "0 1795228300000 60000 77 0 broker-a 0 0"},
    {"extra_info": "0 1795228300000 -1 0 0 broker-a 0 0"},
    {"extra_info": "0 1795228300000 999999999999 0 0 broker-a 0 0"},
    {"extra_info": "0 1795228300000 60000 0 3 broker-a 0 0"},
    {"extra_info": "0 1795228300000 60000 0 0 987654321987654321 0 0"},
    {"extra_info": "0 1795228300000 60000 0 0 broker-a 0 x"},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_acks_that_are_not_plain_are_handed_back(lanes, odd):
    messages = pop(lanes, 12)
    for message in messages[:10]:  # that their headers are known
        lanes.feed(ack(message))
    lanes.taken = 0
    lanes.feed(ack(messages[10], **odd))
    assert lanes.taken == 0
    lanes.feed(ack(messages[11]))
    assert lanes.taken == 1


@pytest.mark.parametrize(
    "more",
    [
        {"consumer_group": "g%d %s"},
        {"consumer_group": 'gré\\"'},
        {"extra_info": "0 1795228300000 60000 0 0 broker%s 0"},
        {"extra_info": '0 1795228300000 60000 0 2 a"b 0 7 9'},
        {"extra_info": "0 1795228300000 60000 0 1 é 0 7"},
    ],
    ids=str,
)
def test_acks_of_any_text_are_the_same(lanes, more):
    for message in pop(lanes, 20):
        lanes.feed(ack(message, **more))


def test_an_ack_that_comes_too_late_is_the_handlers(lanes):
    messages = pop(lanes, 4)
    for ms in (29_999, 1):
        for broker in lanes.brokers:
            broker.clock.ms += ms
        lanes.feed(ack(messages[0]))
    assert lanes.taken == 1


def test_acks_of_many_connections_are_taken_together(lanes):
    acks = [ack(message) for message in pop(lanes, 6)]
    lanes.feed_together(acks[0] + acks[1], acks[2], acks[3] + acks[4], acks[5])
    assert lanes.taken == 6


def test_a_failed_write_refuses_the_acks(lanes, monkeypatch):
    messages = pop(lanes, 3)

    def fail(queue, data, offset):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(FileQueue, "write", fail)
        answers = commands(lanes.feed(b"".join(ack(message) for message in messages))[1])
    assert {answer.code for answer in answers} == {ResponseCode.SERVICE_NOT_AVAILABLE}
    assert lanes.taken == 3
    inflight = [broker.state.pop.inflight._counts for broker in lanes.brokers]
    assert inflight[0] == inflight[1] != {}


@pytest.mark.parametrize("timed_out", [True, False])
def test_acks_wait_for_the_disk_on_both_lanes(lanes, timed_out):
    messages = pop(lanes, 3)
    for broker in lanes.brokers:
        broker.loaded.store.flush_disk_type = "SYNC_FLUSH"
    assert lanes.feed(b"".join(ack(message) for message in messages)) == [b"", b""]
    for broker in lanes.brokers:
        store = broker.state.store
        broker.clock.ms += 60_000 if timed_out else 0
        store.expire_waits()
        store.puts.flushed(store.log.end, store.log.last_store_timestamp)
    assert [answer.code for answer in commands(lanes.compare()[1])] == [0, 0, 0]
    assert lanes.taken == 3


def test_mutated_and_interleaved_acks_leave_the_same_on_both_lanes(lanes):
    rng = Random(13)
    for _ in range(6):
        messages = pop(lanes, 8)
        for number in range(14):
            pool = [ack(message, opaque=number) for message in messages] + [send_frame()]
            pieces = [
                with_true_length(mutate(rng, pool)) if rng.random() < 0.3 else rng.choice(pool)
                for _ in range(rng.randrange(1, 6))
            ]
            data = b"".join(pieces)
            cut = rng.randrange(len(data) + 1)
            lanes.feed(data[:cut], data[cut:])
            if number % 3 == 0 or lanes.clients[0].connection.closed:
                lanes.reconnect()
    assert lanes.taken > 50
