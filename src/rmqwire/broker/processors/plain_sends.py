"""Plain sends in Python: many frames to records, units and answers in one call.

The twin of ``rmqwire_speedups.Sends`` for brokers without that module, with the same contract: what is plain
is taken from the front of what each connection has brought; the first frame that isn't is handed back whole.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

from rmqwire.broker.delivery.plain_properties import PlainProperties
from rmqwire.broker.processors.plain_headers import PlainHeaders, may_be_plain
from rmqwire.codec.batch import split_batch
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.columns import map_column
from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.java_hash import TagsCodes
from rmqwire.codec.properties import find_in_each
from rmqwire.codec.record import BLANK_SIZE, MAX_TOPIC_V1, MESSAGE_MAGIC_V1, PREFIXES
from rmqwire.codec.record_batch import make_records, offset_ids
from rmqwire.errors import BadBody, BadRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.broker.delivery.plain_properties import Stored
    from rmqwire.broker.processors.plain_headers import PlainSend
    from rmqwire.broker.processors.send_lane import LaneSettings
    from rmqwire.codec.send_answer import SendAnswers
    from rmqwire.store.queues.consume_queue import Brought, ConsumeQueue

    FindPlace = Callable[[str, int], ConsumeQueue | None]
    FindPlan = Callable[[Sequence[str]], tuple[Sequence[int], int, int, int] | None]
    Part = tuple[int, int, int, bytes]

_SUCCESS: Final = int(ResponseCode.SUCCESS)
_unpack_words = Struct(">iI").unpack_from  # of a frame: its length; serialize type, header length
_pack_unit = UNIT_STRUCT.pack
_HEADER_LENGTH: Final = 0xFFFFFF
_INNER_NUM: Final = b"INNER_NUM"  # of a batch's message: it would be many
_NO_KEY: Final = 0x100  # no length of a key


class PlainSends:
    """Turns plain sends at the front of what connections brought into records, units and answers.

    Args:
        settings: what ``rmqwire_speedups.Sends`` reads; ``place`` and ``plan`` are the same, too.
        answers: writes the answers.
    """

    def __init__(
        self, settings: LaneSettings, answers: SendAnswers, place: FindPlace, plan: FindPlan
    ) -> None:
        self.settings = settings
        self.answers = answers
        self.place = place
        self.host_id = settings.host_id.encode()
        self.tags_codes = TagsCodes()
        self.lines: dict[tuple[bytes, int], Line] = {}  # of all queues that plain sends came to
        self._places_version = 0
        self.read_header = PlainHeaders(settings.harmless_sys_flag).read
        self.rewrite = PlainProperties(
            plan,
            settings.ours,
            trailing=settings.trailing_separator,
            answers_key=settings.answers_key,
        ).read

    def take(
        self,
        inputs: Sequence[tuple[bytes, int, bytes]],
        log_end: int,
        room: int,
        store_timestamp: int,
        places_version: int,
    ) -> tuple[list[Part], bytes, int, int, list[Brought]]:
        """Do what ``rmqwire_speedups.Sends.take`` does."""
        if places_version != self._places_version:
            self.lines.clear()
            self._places_version = places_version
        run = _Run(self, log_end, room, store_timestamp)
        try:
            parts = [run.take_input(*one) for one in inputs]
        except BaseException:
            self.lines.clear()  # some have got what nobody takes
            raise
        brought = [line.end_run() for line in run.used if line.size]
        return parts, b"".join(run.records), run.last_size, run.messages, brought


class Line:
    """One queue: where its next message goes, and the units of those it got in this run.

    Args:
        queue: it.
        topic: as bytes.
        answers: writes the answers.
        host_id: the store host in hex digits, which begins every message id.

    Attributes:
        named: the topic as it stands in a record.
        digits: the queue id in answers.
        template: of answers with the lengths that ``lengths`` tells.
    """

    __slots__ = (
        "_answers", "digits", "host_id", "lengths", "named", "next_offset", "queue", "sends", "size",
        "template", "topic", "units",
    )  # fmt: skip

    def __init__(
        self, queue: ConsumeQueue, topic: bytes, answers: SendAnswers, host_id: bytes
    ) -> None:
        self._answers = answers
        self.host_id = host_id
        self.queue = queue
        self.next_offset = queue.next_offset
        self.topic = topic
        self.named = bytes([len(topic)]) + topic
        self.digits = b"%d" % queue.queue_id
        self.units = bytearray()
        self.size = self.sends = 0
        self.lengths = 0
        self.template = b""

    def end_run(self) -> Brought:
        """Return the queue's part of the result, and get nothing more."""
        brought = self.queue, self.next_offset, self.units, self.size, self.sends
        self.units = bytearray()
        self.size = self.sends = 0
        return brought

    def answer(self, opaque: bytes | int, ids: bytes, offset: int, key: bytes | None) -> bytes:
        """Return the answer to a message for this queue, or to a batch with the ids of all in it."""
        if isinstance(opaque, int):  # JSON
            queue_id = self.queue.queue_id
            return self._answers.json_frame(opaque, _SUCCESS, ids, queue_id, offset, key)
        digits = b"%d" % offset
        of_ids, of_key = len(ids), _NO_KEY if key is None else len(key)
        lengths = of_ids << 32 | len(digits) << 16 | of_key
        if lengths != self.lengths:
            self.lengths = lengths
            with_key = () if key is None else (of_key,)
            self.template = self._answers.template(
                _SUCCESS, of_ids, len(self.digits), len(digits), *with_key
            )
        if key is None:
            return self.template % (opaque, ids, self.digits, digits)
        return self.template % (opaque, ids, self.digits, digits, key)


class _Run:
    """One call, and what it has taken so far."""

    __slots__ = (
        "_answers", "_born_host", "_hosts", "_layout", "_limit", "_of_input", "_place", "_sends",
        "_settings", "_store_timestamp", "last_size", "lines", "messages", "records", "used",
    )  # fmt: skip

    def __init__(self, sends: PlainSends, log_end: int, room: int, store_timestamp: int) -> None:
        self._sends = sends
        self._settings = sends.settings
        self._answers = sends.answers
        self._place = log_end
        self._limit = log_end + room - BLANK_SIZE
        self._store_timestamp = store_timestamp
        self._of_input: list[bytes] = []  # answers
        self.lines = sends.lines
        self.used: list[Line] = []
        self.messages = 0
        self.records: list[bytes] = []
        self.last_size = 0

    def take_input(self, data: bytes, position: int, born_host: bytes) -> Part:
        """Take the plain sends at the front of what one connection brought."""
        hosts = (len(born_host) == 20) | (len(self._settings.store_host) == 20) << 1
        self._born_host, self._hosts, self._layout = born_host, hosts << 4, PREFIXES[hosts]
        answers = self._of_input = []
        size, most, count = len(data), self._settings.max_frame - 4, 0
        while size - position >= 8:
            length, word = _unpack_words(data, position)
            end = position + 4 + length
            if end > size or not 4 <= length <= most:
                break
            if not self._take_frame(data, position + 8, end, word):
                return count, position, self._others(data, end), b"".join(answers)
            position = end
            count += 1
        return count, position, position, b"".join(answers)

    def _others(self, data: bytes, position: int) -> int:
        """Return where the frames end that are no plain sends, behind one that is the handlers'."""
        size, most = len(data), self._settings.max_frame - 4
        while size - position >= 8:
            length, word = _unpack_words(data, position)
            end, header_at = position + 4 + length, position + 8
            if end > size or not 4 <= length <= most:
                break
            if may_be_plain(data, header_at, header_at + (word & _HEADER_LENGTH), word):
                break
            position = end
        return position

    def _take_frame(self, data: bytes, header_at: int, end: int, word: int) -> bool:
        """Take one frame; tell whether it was plain. Nothing is left of one that was not."""
        body_at = header_at + (word & _HEADER_LENGTH)
        if not 0 < end - body_at <= self._settings.max_body:
            return False
        sends = self._sends
        send = sends.read_header(data, header_at, body_at, word)
        stored = None if send is None else sends.rewrite(send[5])
        if send is None or stored is None:
            return False
        kind, _, topic, queue_id, _, _ = send
        line = self.lines.get((topic, queue_id)) or self._new_line(topic, queue_id)
        if line is None:
            return False
        if not line.size:
            line.next_offset = line.queue.next_offset
            self.used.append(line)
        take = self._take_batch if kind.is_batch else self._take_message
        return take(send, stored, line, data[body_at:end])

    def _take_message(self, send: PlainSend, stored: Stored, line: Line, body: bytes) -> bool:
        """Take a send of one message, if its record has room."""
        kind, opaque, _, queue_id, born_timestamp, _ = send
        flag, sys_flag, reconsumed, _, is_oneway, _ = kind
        text, key, tags_code = stored
        named, body_length, layout, place = line.named, len(body), self._layout, self._place
        size = layout.size + body_length + len(named) + len(text)
        if place + size > self._limit:
            return False
        offset = line.next_offset
        prefix = layout.pack(
            size, MESSAGE_MAGIC_V1, crc32(body) & 0x7FFFFFFF, queue_id, flag, offset, place,
            sys_flag | self._hosts, born_timestamp, self._born_host, self._store_timestamp,
            self._settings.store_host, reconsumed, 0, body_length,
        )  # fmt: skip
        self.records += (prefix, body, named, text)
        line.units += _pack_unit(place, size, tags_code)
        line.next_offset = offset + 1
        line.size += size
        line.sends += 1
        self.messages += 1
        self._place = place + size
        self.last_size = size
        if not is_oneway:
            message_id = b"%b%016X" % (line.host_id, place)
            self._of_input.append(line.answer(opaque, message_id, offset, key))
        return True

    def _new_line(self, topic: bytes, queue_id: int) -> Line | None:
        found = self._sends.place(topic.decode(), queue_id)
        if found is None or len(topic) > MAX_TOPIC_V1:
            return None
        line = self.lines[topic, queue_id] = Line(found, topic, self._answers, self._sends.host_id)
        return line

    def _take_batch(self, send: PlainSend, stored: Stored, line: Line, body: bytes) -> bool:
        """Take the messages of a batch, all or none."""
        if not self._settings.takes_batches:
            return False
        kind, opaque, _, queue_id, born_timestamp, _ = send
        codes, store_host = self._sends.tags_codes, self._settings.store_host
        try:
            flags, bodies, properties = split_batch(body)
            if not flags or _INNER_NUM in b"".join(properties):
                return False
            tags = find_in_each(properties, b"TAGS")
            records, offsets, sizes, units = make_records(
                flags,
                bodies,
                properties,
                map_column(tags, lambda tag: codes[tag] if tag else 0),
                topic=line.topic,
                queue_id=queue_id,
                queue_offset=line.next_offset,
                physical_offset=self._place,
                sys_flag=kind.sys_flag,
                born_timestamp=born_timestamp,
                born_host=self._born_host,
                store_timestamp=self._store_timestamp,
                store_host=store_host,
                reconsume_times=kind.reconsume_times,
            )
        except (BadBody, BadRecord):
            return False
        size, offset = len(records), line.next_offset
        if self._place + size > self._limit:
            return False
        if not kind.is_oneway:
            ids = offset_ids(store_host, offsets)
            self._of_input.append(line.answer(opaque, ids, offset, stored[1]))
        self.records.append(records)
        line.units += units
        line.next_offset += len(sizes)
        line.size += size
        line.sends += 1
        self.messages += len(sizes)
        self._place += size
        self.last_size = sizes[-1]
        return True
