"""Plain acks: all of a pass in one call, from their frames to their records and answers.

The acks of one pop differ in one number, so the record of each is made of what ``ReviveLog`` makes for the
first. An ack is plain when it has nothing unusual and waits for its time, as all do that come in time.
``AckMessageProcessor`` is the reference, and has whatever else comes.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.broker.processors.pop.ack_headers import AckHeaders
from rmqwire.broker.processors.put_result import refusal
from rmqwire.codec.bodies import AckMsg
from rmqwire.codec.codes import RESPONSE_FLAG, LanguageCode, ResponseCode
from rmqwire.codec.command import FRAME_MAX_LENGTH, decode_frame
from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.header_json import encode_json_header
from rmqwire.codec.message_const import TIMER_TOPIC
from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.record import BLANK_SIZE, MESSAGE_MAGIC_V1, PREFIXES
from rmqwire.errors import ProtocolError
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.broker.processors.pop.ack_headers import AckKind
    from rmqwire.broker.state import BrokerState
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.results import PutMessageResult

    Asked = Sequence[tuple[Peer, bytes, int, int]]
    Part = tuple[int, int, bytes]

_unpack_words = Struct(">iI").unpack_from  # of a frame: its length; serialize type, header length
_HEADER_LENGTH: Final = 0xFFFFFF
_MARK: Final = 987_654_321_987_654_321  # where an ack's offset goes; what has it twice isn't plain
_MARK_TEXT: Final = b"%d" % _MARK
_KEPT: Final = 1024  # handles that are known


class Handle(NamedTuple):
    """What the acks of one pop from one queue have in common.

    Attributes:
        key: the queue and the group.
        revive_qid: queue of the revive log.
        at_ms: when the messages would be visible again.
        body: of the record, but for the offset.
        properties: likewise.
        tags_code: of the unit.
    """

    key: QueueKey
    revive_qid: int
    at_ms: int
    body: bytes
    properties: bytes
    tags_code: int


class AckLane:
    """The lane of one broker's acks.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self.read = AckHeaders().read
        self._handles: dict[tuple[AckKind, int, bytes], Handle | None] = {}
        language, version = LanguageCode.PYTHON.value, state.release.mq_version
        success = int(ResponseCode.SUCCESS)
        header = encode_json_header((success, language, version, 0, RESPONSE_FLAG, None, None))
        self.answer = header.replace(b"%", b"%%").replace(b'"opaque":0', b'"opaque":%d')

    def take(self, inputs: Asked) -> Sequence[tuple[int, int]]:
        """Take the plain acks at the front of each connection.

        Args:
            inputs: connections, what they have brought, where in it to begin, and where to end.

        Returns:
            for each how many were taken, and where the first frame begins that was not.
        """
        state = self._state
        puts, now = state.store.puts, state.wall_ms()
        entry = state.store.queues.topics.get(TIMER_TOPIC)
        queue = None if entry is None else entry.queues.get(0)
        room = puts.room(now)
        if entry is None or queue is None or entry.special or entry.v2 or not room:
            return [(0, position) for _, _, position, _ in inputs]
        call = _Call(self, state, queue, entry.name, room, now)
        parts = [call.take_input(*one[1:]) for one in inputs]
        if call.keys:
            for (topic, group, _), count in call.keys.items():
                state.stats.acknowledged(group, topic, count, count)
            done = partial(self._stored, inputs, parts, call.keys)
            count, size = call.keys.total(), sum(map(len, call.records))
            row = queue.tail, queue.tail.next_offset + count, call.units, size, count
            brought = state.store.queues.make_brought([row])
            records = b"".join(call.records)
            puts.put_records(records, call.last_size, brought, (count, count), now, done)
        return [part[:2] for part in parts]

    def handle(self, kind: AckKind, queue_id: int, pop: bytes, whole: bytes) -> Handle | None:
        """Return what is known of the pop that a handle names; None when it is not plain.

        Args:
            kind: of its acks.
            queue_id: which queue they name.
            pop: the handle without the message's offset, its last field.
            whole: with it.
        """
        known, key = self._handles, (kind, queue_id, pop)
        if key in known:
            return known[key]
        if len(known) >= _KEPT:
            known.clear()
        known[key] = made = self._make_handle(kind, queue_id, whole)
        return made

    def _make_handle(self, kind: AckKind, queue_id: int, whole: bytes) -> Handle | None:
        state = self._state
        try:
            info = ExtraInfo.decode(whole.decode())
            at_ms = info.pop_time + info.invisible_time
            if info.is_order or not state.timers.takes(at_ms):
                return None
            ack = AckMsg(
                ack_offset=_MARK,
                start_offset=info.ck_queue_offset,
                consumer_group=kind.group,
                topic=kind.topic,
                queue_id=queue_id,
                pop_time=info.pop_time,
                broker_name=info.broker_name,
            )
            message = state.pop.log.timed_ack(ack, info.revive_qid, at_ms)
        except (ProtocolError, Reject, UnicodeDecodeError):
            return None
        if message is None:
            return None
        body, properties = bytes(message.body), message.properties
        if body.count(_MARK_TEXT) != 1 or properties.count(_MARK_TEXT) != 1:
            return None
        return Handle(
            QueueKey(kind.topic, kind.group, queue_id),
            info.revive_qid,
            at_ms,
            body.replace(b"%", b"%%").replace(_MARK_TEXT, b"%d"),
            properties.replace(b"%", b"%%").replace(_MARK_TEXT, b"%d"),
            message.tags_code,
        )

    def _stored(
        self,
        inputs: Asked,
        parts: Sequence[Part],
        keys: Counter[QueueKey],
        result: PutMessageResult,
    ) -> None:
        """Answer the acks of one call; the store calls this when the outcome is known."""
        if result.physical_offset < 0:
            self._refuse(inputs, parts, result)
            return
        self._state.timers.arrived()  # of what lanes bring nobody is told who doesn't wait for it
        for key, count in keys.items():
            self._state.pop.inflight.subtract(*key, count)
        for (peer, _, _, _), (_, _, answers) in zip(inputs, parts, strict=True):
            if answers:
                peer.send_frame(answers)

    def _refuse(self, inputs: Asked, parts: Sequence[Part], result: PutMessageResult) -> None:
        code, remark = refusal(result, self._state.store.config.max_message_size)
        for (peer, data, begin, _), (_, end, _) in zip(inputs, parts, strict=True):
            for frame in FrameReader(FRAME_MAX_LENGTH).split(data, begin, end):
                request = decode_frame(frame)
                peer.reply(request, request.create_response(code, remark))


class _Call:
    """One call, and what it has taken so far.

    Attributes:
        keys: of the queues that were acknowledged, how many messages of each.
    """

    __slots__ = (
        "_bounds", "_checked", "_host", "_lane", "_limit", "_next_offset", "_now", "_place", "_revive_queues",
        "_state", "_topic", "keys", "last_size", "records", "units",
    )  # fmt: skip

    def __init__(
        self,
        lane: AckLane,
        state: BrokerState,
        queue: ConsumeQueue,
        topic: bytes,
        room: int,
        now: int,
    ) -> None:
        self._lane = lane
        self._state = state
        self._topic = bytes([len(topic)]) + topic
        self._next_offset = queue.next_offset
        self._place = state.store.log.append_end
        self._limit = self._place + room - BLANK_SIZE
        self._now = now
        self._host = state.store.log.store_host
        self._revive_queues = state.pop.revive_queues()
        self._bounds: dict[QueueKey, tuple[int, int]] = {}
        self._checked: dict[int, bool] = {}  # times at which messages come back
        self.keys: Counter[QueueKey] = Counter()
        self.records: list[bytes] = []
        self.units = bytearray()
        self.last_size = 0

    def take_input(self, data: bytes, position: int, stop: int) -> Part:
        """Take the plain acks at the front of what one connection has brought."""
        answers: list[bytes] = []
        template, read = self._lane.answer, self._lane.read
        while position < stop:
            length, word = _unpack_words(data, position)
            begin, end = position + 8, position + 4 + length
            ack = None if begin + (word & _HEADER_LENGTH) != end else read(data, begin, end, word)
            if ack is None or not self._take(ack[0], *ack[2:]):
                break
            header = template % ack[1]
            size = len(header)
            answers += (((size + 4) << 32 | size).to_bytes(8, "big"), header)
            position = end
        return len(answers) // 2, position, b"".join(answers)

    def _take(self, kind: AckKind, queue_id: int, whole: bytes, offset: int) -> bool:
        pop, _, last = whole.rpartition(b" ")
        handle = self._lane.handle(kind, queue_id, pop, whole) if last.isdigit() else None
        if handle is None or not 0 <= handle.revive_qid < self._revive_queues:
            return False
        key, at_ms = handle.key, handle.at_ms
        low, high = self._bounds.get(key) or self._new_bounds(key)
        waits = self._checked.get(at_ms)
        if waits is None:
            waits = self._checked[at_ms] = self._state.timers.takes(at_ms)
        if not (waits and low <= offset <= high):
            return False
        body, properties = handle.body % offset, handle.properties % offset
        host, now, place, queue_offset = self._host, self._now, self._place, self._next_offset
        hosts = (len(host) == 20) * 3
        layout, body_length = PREFIXES[hosts], len(body)
        size = layout.size + body_length + len(self._topic) + 2 + len(properties)
        if place + size > self._limit:
            return False
        prefix = layout.pack(
            size, MESSAGE_MAGIC_V1, crc32(body) & 0x7FFFFFFF, 0, 0, queue_offset, place, hosts << 4, now,
            host, now, host, 0, 0, body_length,
        )  # fmt: skip
        self.records += (prefix, body, self._topic, len(properties).to_bytes(2, "big"), properties)
        self.units += UNIT_STRUCT.pack(place, size, handle.tags_code)
        self._next_offset = queue_offset + 1
        self._place = place + size
        self.last_size = size
        self.keys[key] += 1
        return True

    def _new_bounds(self, key: QueueKey) -> tuple[int, int]:
        """Return the least and the greatest offset that may be acknowledged; none if nothing may."""
        state = self._state
        topic = state.topics.select(key.topic)
        bounds = 0, -1
        if topic is not None and key.queue_id < topic.read_queue_nums:
            low = state.store.min_offset(key.topic, key.queue_id)
            bounds = low, state.store.max_offset(key.topic, key.queue_id)
        self._bounds[key] = bounds
        return bounds
