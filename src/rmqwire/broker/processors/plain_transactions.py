"""Plain half messages and ends of transactions: many frames to records, units and answers in one call.

What ``plain_sends.py`` does for sends. A half message gets three properties more than a send, so they are
added to its property string before that is rewritten; the message of a commit loses two of them again.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from rmqwire.broker.processors.plain_ends import EndHeaders
from rmqwire.broker.processors.plain_headers import PlainHeaders
from rmqwire.broker.processors.plain_sends import Line
from rmqwire.broker.transaction.half_message import QUEUE_ID
from rmqwire.broker.transaction.recent_halves import RecentHalf
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import ROCKETMQ
from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.record import BLANK_SIZE, MAX_TOPIC_V1, MESSAGE_MAGIC_V1, PREFIXES
from rmqwire.codec.sys_flag import (
    TRANSACTION_COMMIT_TYPE,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.delivery.plain_properties import PlainProperties
    from rmqwire.broker.processors.plain_sends import FindPlace
    from rmqwire.broker.processors.send_lane import LaneSettings
    from rmqwire.codec.send_answer import SendAnswers
    from rmqwire.store.queues.queue_tail import Row

_unpack_words = Struct(">iI").unpack_from  # of a frame: its length; serialize type, header length
_HEADER_LENGTH: Final = 0xFFFFFF
_HALF_ENTRY: Final = f"\x02{const.PROPERTY_TRANSACTION_PREPARED}\x01true\x02".encode()
_KEY_ENTRY: Final = f"\x02{const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX}\x01".encode()
_ID_ENTRY: Final = f"{const.PROPERTY_TRANSACTION_ID}\x01%b\x02".encode()
_BELONGS: Final = f"{const.PROPERTY_REAL_TOPIC}\x01%b\x02{const.PROPERTY_REAL_QUEUE_ID}\x01%b"
_END_CODES: Final = (
    RequestCode.END_TRANSACTION.to_bytes(2, "big"),
    b'{"code":%d,' % RequestCode.END_TRANSACTION,
)


class Ended(NamedTuple):
    """A transaction that ends in a call."""

    place: int
    half: RecentHalf
    how: int


class Halves(NamedTuple):
    """What is known of half messages that wait.

    Attributes:
        find: returns a half message by its offset in the log, None when it isn't known.
        position: the first in the half queue whose transaction hasn't ended.
        done: those behind it whose transaction has.
    """

    find: Callable[[int], RecentHalf | None]
    position: int
    done: dict[int, int]


class PlainTransactions:
    """What is the same for each call.

    Args:
        settings: as for plain sends.
        answers: writes the answers.
        place: returns the queue of a message; None if not plain.
        halves: rewrites the properties of half messages.
        commits: turns them into those of the messages that they become.
        names_transaction: half messages say their transaction's id.
    """

    def __init__(
        self,
        settings: LaneSettings,
        answers: SendAnswers,
        place: FindPlace,
        halves: PlainProperties,
        commits: PlainProperties,
        *,
        names_transaction: bool,
    ) -> None:
        self.settings = settings
        self.answers = answers
        self.place = place
        self.host_id = settings.host_id.encode()
        self.names_transaction = names_transaction
        sys_flag = settings.harmless_sys_flag | TRANSACTION_PREPARED_TYPE
        self.read_half = PlainHeaders(sys_flag, halves=True).read
        self.read_end = EndHeaders().read
        self.rewrite = halves.read
        self.commit = commits.read
        self.lines: dict[tuple[bytes, int], Line] = {}
        self._places_version = -1

    def keep_lines(self, places_version: int) -> None:
        """Forget the queues of messages if they may be others now; see ``SendLane.place``."""
        if places_version != self._places_version:
            self.lines.clear()
            self._places_version = places_version


class Call:
    """One call, and what it has taken so far; until its owner takes that over nothing has happened.

    Args:
        of: what is the same for each.
        halves: what waits for its end.
        half_queue: where half messages go; None: nowhere.
        log_end: where the first record goes.
        room: bytes that the log's file has for records.
        now: store time, ms.

    Attributes:
        stored: half messages with their offset in the log, in order.
        ended: the transactions that end.
        half_line: the half queue.
    """

    __slots__ = (
        "_commons", "_halves", "_limit", "_now", "_of_input", "_peer_host", "_place", "ended", "half_line",
        "last_size", "records", "stored", "used",
    )  # fmt: skip

    def __init__(
        self,
        of: PlainTransactions,
        halves: Halves,
        half_queue: Line | None,
        log_end: int,
        room: int,
        now: int,
    ) -> None:
        self._commons = of
        self._halves = halves
        self._place = log_end
        self._limit = log_end + room - BLANK_SIZE
        self._now = now
        self._peer_host = b""
        self._of_input: list[bytes] = []  # answers
        self.half_line = half_queue
        self.used: list[Line] = []  # that have got something, or would have
        self.records: list[bytes] = []
        self.last_size = 0
        self.stored: list[tuple[int, RecentHalf]] = []
        self.ended: dict[int, Ended] = {}  # by the half message's offset in the log

    def take_input(
        self, data: bytes, position: int, stop: int, peer_host: bytes
    ) -> tuple[int, int, bytes]:
        """Take what is plain at the front of what one connection has brought.

        Returns:
            how many frames; where the first that was not taken begins; the answers.
        """
        self._peer_host = peer_host
        answers = self._of_input = []
        count = 0
        while position < stop:
            length, word = _unpack_words(data, position)
            begin, end = position + 8, position + 4 + length
            body_at = begin + (word & _HEADER_LENGTH)
            if data.startswith(_END_CODES[word >> 24 != ROCKETMQ], begin):
                taken = body_at == end and self._take_end(data, begin, end, word)
            else:
                taken = body_at < end and self._take_half(data, begin, body_at, end, word)
            if not taken:
                break
            position = end
            count += 1
        return count, position, b"".join(answers)

    def brought(self) -> list[Row]:
        """Return what the queues got, for ``ConsumeQueueStore.make_brought``."""
        return [line.end_run() for line in self.used if line.size]

    def _line(self, topic: bytes, queue_id: int) -> Line | None:
        lines = self._commons.lines
        line = lines.get((topic, queue_id))
        if line is None:
            found = self._commons.place(topic.decode(), queue_id)
            if found is None or len(topic) > MAX_TOPIC_V1:
                return None
            line = Line(found, topic, self._commons.answers, self._commons.host_id)
            lines[topic, queue_id] = line
        return line

    # --- half messages

    def _take_half(self, data: bytes, begin: int, body_at: int, end: int, word: int) -> bool:
        of, queue = self._commons, self.half_line
        send = of.read_half(data, begin, body_at, word)
        if send is None or queue is None or end - body_at > of.settings.max_body:
            return False
        kind, opaque, topic, queue_id, born_timestamp, text = send
        line = self._line(topic, queue_id)
        if line is None or kind.is_batch or len(self._peer_host) != 8:
            return False
        completed = self._completed(text, line)
        stored = None if completed is None else of.rewrite(completed)
        if stored is None:
            return False
        properties, key, tags_code = stored
        body = data[body_at:end]
        offset = queue.next_offset if queue.size else queue.tail.next_offset
        place = self._place
        half = RecentHalf(
            line.queue.topic, queue_id, offset, 0, kind.flag, kind.sys_flag & ~TRANSACTION_ROLLBACK_TYPE,
            born_timestamp, self._peer_host, self._now, kind.reconsume_times, body,
            crc32(body) & 0x7FFFFFFF, properties[2:],
        )  # fmt: skip
        if not self._append(queue, QUEUE_ID, half, half.sys_flag, 0, properties, tags_code):
            return False
        self.stored.append((place, half._replace(size=self.last_size)))
        if not kind.is_oneway:
            message_id = b"%b%016X" % (line.host_id, place)
            self._of_input.append(line.answer(opaque, message_id, offset, key))
        return True

    def _completed(self, text: bytes, line: Line) -> bytes | None:
        """Return a property string with what a half message has besides; None when it isn't plain."""
        framed = b"\x02%b\x02" % text.removesuffix(b"\x02")
        if _HALF_ENTRY not in framed:
            return None
        begin = framed.find(_KEY_ENTRY) + len(_KEY_ENTRY)
        key = framed[begin : framed.find(b"\x02", begin)]
        if begin < len(_KEY_ENTRY):
            return None
        transaction = _ID_ENTRY % key if self._commons.names_transaction else b""
        belongs = _BELONGS.encode() % (line.topic, line.digits)
        return framed[1:] + transaction + belongs

    # --- ends

    def _take_end(self, data: bytes, begin: int, end: int, word: int) -> bool:
        read = self._commons.read_end(data, begin, end, word)
        if read is None:
            return False
        kind, place, offset = read
        halves = self._halves
        half = halves.find(place)
        if (
            half is None
            or half.queue_offset != offset
            or offset < halves.position
            or offset in halves.done
            or place in self.ended
            or kind.member not in b"\x02%b\x02" % half.properties
        ):
            return False
        stored = self._commons.commit(half.properties)  # None when it is no plain half message
        if stored is None or (
            kind.how == TRANSACTION_COMMIT_TYPE and not self._take_commit(half, place, stored)
        ):
            return False
        self.ended[place] = Ended(place, half, kind.how)
        return True

    def _take_commit(
        self, half: RecentHalf, place: int, stored: tuple[bytes, bytes | None, int]
    ) -> bool:
        line = self._line(half.real_topic.encode(), half.real_queue_id)
        if line is None:
            return False
        sys_flag = half.sys_flag | TRANSACTION_COMMIT_TYPE
        return self._append(line, half.real_queue_id, half, sys_flag, place, stored[0], stored[2])

    def _append(
        self,
        line: Line,
        queue_id: int,
        half: RecentHalf,
        sys_flag: int,
        prepared: int,
        properties: bytes,
        tags_code: int,
    ) -> bool:
        """Append a record, a half message's or that of its commit, if there is room."""
        store_host, body, place = self._commons.settings.store_host, half.body, self._place
        hosts = (len(store_host) == 20) << 1
        layout, body_length = PREFIXES[hosts], len(body)
        size = layout.size + body_length + len(line.named) + len(properties)
        if place + size > self._limit:
            return False
        if not line.size:
            line.next_offset = line.tail.next_offset
            self.used.append(line)
        offset = line.next_offset
        prefix = layout.pack(
            size, MESSAGE_MAGIC_V1, half.body_crc, queue_id, half.flag, offset, place,
            sys_flag | hosts << 4, half.born_timestamp, half.born_host, self._now, store_host,
            half.reconsume_times, prepared, body_length,
        )  # fmt: skip
        self.records += (prefix, body, line.named, properties)
        line.units += UNIT_STRUCT.pack(place, size, tags_code)
        line.next_offset = offset + 1
        line.size += size
        line.sends += 1
        self._place = place + size
        self.last_size = size
        return True
