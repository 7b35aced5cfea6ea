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
from rmqwire.store.queues.queue_tail import PythonBrought

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.broker.delivery.plain_properties import Stored
    from rmqwire.broker.processors.plain_headers import PlainSend
    from rmqwire.broker.processors.send_lane import LaneSettings
    from rmqwire.codec.send_answer import SendAnswers
    from rmqwire.remoting.handler import Input
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_tail import Brought, Row

    FindPlace = Callable[[str, int], ConsumeQueue | None]
    FindPlan = Callable[[Sequence[str]], tuple[Sequence[int], int, int, int] | None]
    Part = tuple[int, int, int, bytes]
    Records = tuple[bytes, list[int], list[int], bytes]
    Ready = tuple[
        PlainSend, Stored, "Line", bytes
    ]  # a send that was looked at; the last is its body

_SUCCESS: Final = int(ResponseCode.SUCCESS)
_unpack_words = Struct(">iI").unpack_from  # of a frame: its length; serialize type, header length
_pack_unit = UNIT_STRUCT.pack
_HEADER_LENGTH: Final = 0xFFFFFF
_INNER_NUM: Final = b"INNER_NUM"  # of a batch's message: it would be many
_TOGETHER: Final = 8  # batches of one call
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
        inputs: Sequence[Input],
        log_end: int,
        room: int,
        store_timestamp: int,
        places_version: int,
    ) -> tuple[list[Part], bytes, int, tuple[int, int], Brought | None]:
        """Do what ``rmqwire_speedups.Sends.take`` does."""
        if places_version != self._places_version:
            self.lines.clear()
            self._places_version = places_version
        run = _Run(self, log_end, room, store_timestamp)
        try:
            parts = [run.take_input(data, begin, peer.peer_host) for peer, data, begin in inputs]
        except BaseException:
            self.lines.clear()  # some have got what nobody takes
            raise
        rows = [line.end_run() for line in run.used if line.size]
        brought = PythonBrought(rows) if rows else None
        counts = run.messages, sum([part[0] for part in parts])
        return parts, b"".join(run.records), run.last_size, counts, brought


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
        "tail", "template", "topic", "units",
    )  # fmt: skip

    def __init__(
        self, queue: ConsumeQueue, topic: bytes, answers: SendAnswers, host_id: bytes
    ) -> None:
        self._answers = answers
        self.host_id = host_id
        self.queue = queue
        self.tail = queue.tail
        self.next_offset = queue.next_offset
        self.topic = topic
        self.named = bytes([len(topic)]) + topic
        self.digits = b"%d" % queue.queue_id
        self.units = bytearray()
        self.size = self.sends = 0
        self.lengths = 0
        self.template = b""

    def end_run(self) -> Row:
        """Return the queue's part of the result, and get nothing more."""
        row = self.tail, self.next_offset, self.units, self.size, self.sends
        self.units = bytearray()
        self.size = self.sends = 0
        return row

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
            ready = self._look(data, position + 8, end, word)
            if ready is None:
                taken = 0
            elif ready[0][0].is_batch:
                taken = self._take_batches(ready, data, position, end)
            else:
                taken = self._take_message(*ready)
            if not taken:
                return count, position, self._others(data, end), b"".join(answers)
            position += taken * (end - position)
            count += taken
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

    def _look(self, data: bytes, header_at: int, end: int, word: int) -> Ready | None:
        """Look at one frame; None if it was not plain."""
        body_at = header_at + (word & _HEADER_LENGTH)
        if not 0 < end - body_at <= self._settings.max_body:
            return None
        sends = self._sends
        send = sends.read_header(data, header_at, body_at, word)
        stored = None if send is None else sends.rewrite(send[5])
        if send is None or stored is None:
            return None
        _, _, topic, queue_id, _, _ = send
        line = self.lines.get((topic, queue_id)) or self._new_line(topic, queue_id)
        if line is None:
            return None
        if not line.size:
            line.next_offset = line.tail.next_offset
            self.used.append(line)
        return send, stored, line, data[body_at:end]

    def _take_message(self, send: PlainSend, stored: Stored, line: Line, body: bytes) -> int:
        """Take a send of one message, if its record has room; return how many were taken."""
        kind, opaque, _, queue_id, born_timestamp, _ = send
        flag, sys_flag, reconsumed, _, is_oneway, _ = kind
        text, key, tags_code = stored
        named, body_length, layout, place = line.named, len(body), self._layout, self._place
        size = layout.size + body_length + len(named) + len(text)
        if place + size > self._limit:
            return 0
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
        return 1

    def _new_line(self, topic: bytes, queue_id: int) -> Line | None:
        found = self._sends.place(topic.decode(), queue_id)
        if found is None or len(topic) > MAX_TOPIC_V1:
            return None
        line = self.lines[topic, queue_id] = Line(found, topic, self._answers, self._sends.host_id)
        return line

    def _take_batches(self, first: Ready, data: bytes, position: int, end: int) -> int:
        """Take a batch and those right behind it that are like it; return how many.

        Args:
            first: the batch, whose frame is
            data: this, from
            position: here on,
            end: up to here.
        """
        if not self._settings.takes_batches:
            return 0
        group, size, lengths = [first], end - position, data[position : position + 8]
        (kind, _, topic, *_), (_, word) = first[0], _unpack_words(lengths)
        stop = min(len(data), position + _TOGETHER * size)
        while end + size <= stop and data[end : end + 8] == lengths:
            ready = self._look(data, end + 8, end + size, word)
            if ready is None or ready[0][0] != kind or ready[0][2] != topic:
                break
            group.append(ready)
            end += size
        taken = self._take_group(group)
        return taken if taken or len(group) == 1 else self._take_group([first])

    def _take_group(self, group: Sequence[Ready]) -> int:
        """Take batches of one topic, kind and length, all or none; return how many."""
        made = self._make_records(group)
        if made is None or self._place + len(made[0]) > self._limit:
            return 0
        records, offsets, sizes, units = made
        kind, count = group[0][0][0], len(sizes) // len(group)
        host = self._settings.store_host
        ids = b"" if kind.is_oneway else offset_ids(host, offsets) + b","
        size, of_ids, of_units = (len(one) // len(group) for one in (records, ids, units))
        for number, (send, stored, line, _) in enumerate(group):
            if ids:
                of_send = ids[number * of_ids : (number + 1) * of_ids - 1]
                self._of_input.append(line.answer(send[1], of_send, line.next_offset, stored[1]))
            line.units += units[number * of_units : (number + 1) * of_units]
            line.next_offset += count
            line.size += size
            line.sends += 1
        self.records.append(records)
        self.messages += len(sizes)
        self._place += len(records)
        self.last_size = sizes[-1]
        return len(group)

    def _make_records(self, group: Sequence[Ready]) -> Records | None:
        """Return the records of batches; None if one isn't plain, or of many whose messages differ in size."""
        (kind, *_), _, line, _ = group[0]
        codes = self._sends.tags_codes
        try:
            messages = split_batch(b"".join([body for _, _, _, body in group]))
            properties = messages.properties
            count, left = divmod(len(properties), len(group))
            if not count or left or _INNER_NUM in b"".join(properties):
                return None
            tags = find_in_each(properties, b"TAGS")
            made = make_records(
                messages,
                map_column(tags, lambda tag: codes[tag] if tag else 0),
                topic=line.topic,
                queue_ids=_repeat([send[3] for send, *_ in group], count),
                queue_offsets=_offsets(group, count),
                physical_offset=self._place,
                sys_flag=kind.sys_flag,
                born_timestamps=_repeat([send[4] for send, *_ in group], count),
                born_host=self._born_host,
                store_timestamp=self._store_timestamp,
                store_host=self._settings.store_host,
                reconsume_times=kind.reconsume_times,
            )
        except (BadBody, BadRecord):
            return None
        sizes = made[2]
        return made if len(group) == 1 or sizes.count(sizes[0]) == len(sizes) else None


def _repeat(values: Sequence[int], count: int) -> list[int]:
    """Return each value so many times, once where all are the same."""
    if values.count(values[0]) == len(values):
        return [values[0]]
    repeated: list[int] = []
    for value in values:
        repeated += [value] * count
    return repeated


def _offsets(group: Sequence[Ready], count: int) -> list[int]:
    """Return the queue offsets of the messages of batches, so many in each."""
    nexts = {line: line.next_offset for _, _, line, _ in group}
    offsets: list[int] = []
    for _, _, line, _ in group:
        begin = nexts[line]
        nexts[line] = begin + count
        offsets += range(begin, begin + count)
    return offsets
