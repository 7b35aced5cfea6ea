"""What the generator plays: encoded requests and the places in them that differ from play to play."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from rmqwire.codec.batch import encode_batch
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import ROCKETMQ, RemotingCommand, encode_command
from rmqwire.codec.headers import PullMessageRequestHeader, SendMessageRequestHeaderV2
from rmqwire.codec.message import Message

OPAQUE = 1_000_000_000  # the generator's first: ten digits
COUNT = "@@@@@@@@"  # where the generator writes eight hexadecimal digits of a count
UNIQUE_KEY = "7F0000012B354E0E2F2A678A" + COUNT
BORN_MS = 1_795_228_300_000
OPAQUE_IN_BINARY = 13  # length, mark, code, language, version
PULL_NOW, PULL_WAIT = 4, 6  # PullSysFlag: subscription [and suspend]


@dataclass(frozen=True)
class Frame:
    """One request: its bytes, and where what is written into them.

    Args:
        data: the frame with its length.
        opaque_at: offset of the opaque.
        is_decimal: the opaque is ten digits, not four bytes.
        messages: how many an answer with code 0 stands for; 0: those in its body are counted.
        places: offsets of the count, or the only one of a followed queue's offset.
    """

    data: bytes
    opaque_at: int
    is_decimal: bool
    messages: int
    places: list[int] = field(default_factory=list)

    def encode(self) -> bytes:
        numbers = (len(self.data), self.opaque_at, self.is_decimal, self.messages, len(self.places))
        return struct.pack(f"=5I{len(self.places)}I", *numbers, *self.places) + self.data


def encode_tape(frames: list[Frame]) -> bytes:
    return struct.pack("=I", len(frames)) + b"".join(frame.encode() for frame in frames)


def make_frame(command: RemotingCommand, messages: int) -> Frame:
    """Encode a command; each COUNT in it becomes a place."""
    command.opaque = OPAQUE
    data = encode_command(command)
    places, mark = [], COUNT.encode()
    while (at := data.find(mark)) >= 0:
        places.append(at)
        data = data[:at] + b"0" * len(mark) + data[at + len(mark) :]
    if command.serialize_type == ROCKETMQ:
        return Frame(data, OPAQUE_IN_BINARY, is_decimal=False, messages=messages, places=places)
    name = b'"opaque":'
    at = data.index(name + b"%d" % OPAQUE) + len(name)
    return Frame(data, at, is_decimal=True, messages=messages, places=places)


def send(
    topic: str, queue: int, body: bytes, serialize_type: int, properties: str = "TAGS\x01TagA\x02"
) -> Frame:
    """Make a SEND_MESSAGE_V2 as Java's producer sends it."""
    text = f"UNIQ_KEY\x01{UNIQUE_KEY}\x02WAIT\x01true\x02{properties}"
    header = _send_header(topic, queue, text, is_batch=False)
    command = RemotingCommand.request(
        RequestCode.SEND_MESSAGE_V2, header, body, serialize_type=serialize_type
    )
    return make_frame(command, messages=1)


def send_batch(topic: str, queue: int, body: bytes, count: int, serialize_type: int) -> Frame:
    """Make a SEND_BATCH_MESSAGE of ``count`` messages with the same body."""
    message = Message(topic, body, tags="TagA")
    message.properties["UNIQ_KEY"] = UNIQUE_KEY
    header = _send_header(
        topic, queue, f"UNIQ_KEY\x01{UNIQUE_KEY}\x02WAIT\x01true\x02", is_batch=True
    )
    command = RemotingCommand.request(
        RequestCode.SEND_BATCH_MESSAGE, header, encode_batch([message] * count),
        serialize_type=serialize_type,
    )  # fmt: skip
    return make_frame(command, messages=count)


def _send_header(
    topic: str, queue: int, properties: str, *, is_batch: bool
) -> SendMessageRequestHeaderV2:
    return SendMessageRequestHeaderV2(
        producer_group="benchmark_producer", topic=topic, default_topic="TBW102",
        default_topic_queue_nums=4, queue_id=queue, sys_flag=0, born_timestamp=BORN_MS, flag=0,
        properties=properties, reconsume_times=0, unit_mode=False, batch=is_batch, bname="broker-a",
    )  # fmt: skip


def pull(
    topic: str,
    queue: int,
    offset: int,
    serialize_type: int,
    *,
    count: int = 32,
    subscription: str = "*",
    expression_type: str = "TAG",
    suspend: bool = False,
) -> Frame:
    """Make a PULL_MESSAGE that doesn't wait, or does."""
    header = PullMessageRequestHeader(
        consumer_group="CID_ONSAPI_PULL", topic=topic, queue_id=queue, queue_offset=offset,
        max_msg_nums=count, sys_flag=PULL_WAIT if suspend else PULL_NOW, commit_offset=0,
        suspend_timeout_millis=15_000, subscription=subscription, sub_version=0,
        expression_type=expression_type,
    )  # fmt: skip
    command = RemotingCommand.request(
        RequestCode.PULL_MESSAGE, header, serialize_type=serialize_type
    )
    return make_frame(command, messages=0)


def follow(topic: str, queue: int, offset: int) -> Frame:
    """Make the pull, with JSON headers, that the generator repeats with the offset it is told."""
    frame = pull(topic, queue, offset, 0, suspend=True)
    name = b'"queueOffset":"'
    place = frame.data.index(name + b'%d"' % offset) + len(name)
    return Frame(frame.data, frame.opaque_at, is_decimal=True, messages=0, places=[place])


def pulls_of(topic: str, ends: Iterable[int], serialize_type: int, begin: int = 0) -> list[Frame]:
    """Make the pulls that read each queue once from ``begin`` to its end, the queues in turn."""
    places = sorted(
        (offset, queue) for queue, end in enumerate(ends) for offset in range(begin, end - 31, 32)
    )
    return [pull(topic, queue, offset, serialize_type) for offset, queue in places]
