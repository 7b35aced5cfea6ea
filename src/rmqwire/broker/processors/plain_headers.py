"""The headers of plain sends, read by their bytes.

The sends of one kind of producer differ in group, topic, queue, time, opaque and properties; all else is the
same in each. A header is known by everything in it but those six (``KnownHeaders``): so ten thousand topics with a producer each need no more to be kept than one. A header that is not known is
read as any other.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rmqwire.broker.processors.known_headers import KEPT, KnownHeaders
from rmqwire.broker.processors.send_fields import FIELDS, plain_names
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ONEWAY_FLAG, RequestCode
from rmqwire.codec.command import JSON, ROCKETMQ
from rmqwire.codec.header_binary import decode_binary_header
from rmqwire.codec.header_json import decode_json_header
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmqwire.broker.processors.send_fields import SendFields

_INT_MAX: Final = 2**31 - 1
_QUEUE_DIGITS, _TIME_DIGITS = 9, 18  # more may not fit
_ZERO: Final = b"0"[0]
_NOT_TEXT: Final = bytes([*range(0x20), *b'"'])  # never stands as it is in a text of JSON
_OF_NAMES: Final = b"%|-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BINARY_CODES: Final = frozenset(code.to_bytes(2, "big") for code in FIELDS)
_HALF: Final = const.PROPERTY_TRANSACTION_PREPARED.encode()
_JSON_CODES: Final = tuple(b'{"code":%d,' % code for code in FIELDS)
_BINARY_END: Final = RequestCode.END_TRANSACTION.to_bytes(2, "big")
_JSON_END: Final = b'{"code":%d,' % RequestCode.END_TRANSACTION
_JSON_ACK: Final = b'{"code":%d,' % RequestCode.ACK_MESSAGE  # no code for a ROCKETMQ header
_FRAME_FIXED: Final = 10  # bytes of a frame: its two words, and a ROCKETMQ header's code


class SendKind(NamedTuple):
    """What the sends of one kind of producer have in common."""

    flag: int
    sys_flag: int
    reconsume_times: int
    is_batch: bool
    is_oneway: bool
    is_binary: bool


PlainSend: TypeAlias = "tuple[SendKind, bytes | int, bytes, int, int, bytes]"
"""Kind, opaque (of a ROCKETMQ header its four bytes), topic, queue id, born time in ms, property string.

Whether that string is UTF-8 is for its reader to see."""


def may_be_plain(data: bytes, position: int, end: int, word: int) -> bool:
    """Return whether the header from ``position`` to ``end`` may be a plain send's, at a glance.

    Its code may, and it names no transaction: half messages come many in a row.
    """
    return data.find(_HALF, position, end) < 0 and _is_send(data, position, word)


def _may_be_half(data: bytes, position: int, end: int, word: int) -> bool:
    return data.find(_HALF, position, end) >= 0 and _is_send(data, position, word)


def _is_send(data: bytes, position: int, word: int) -> bool:
    serialize_type = word >> 24
    if serialize_type == ROCKETMQ:
        return data[position : position + 2] in _BINARY_CODES
    return serialize_type == JSON and data.startswith(_JSON_CODES, position)


def is_of_transaction(data: bytes, position: int) -> bool:
    """Return whether the frame at ``position`` may be a half message or the end of a transaction, at a glance."""
    if len(data) - position < _FRAME_FIXED:
        return False
    word = int.from_bytes(data[position + 4 : position + 8], "big")
    begin, is_binary = position + 8, word >> 24 == ROCKETMQ
    if data.startswith(_BINARY_END if is_binary else _JSON_END, begin):
        return True
    return _is_send(data, begin, word) and data.find(_HALF, begin, begin + (word & 0xFFFFFF)) >= 0


def is_ack(data: bytes, position: int) -> bool:
    """Return whether the frame at ``position`` may be an ack of one message, at a glance."""
    return data.startswith(_JSON_ACK, position + 8)


class PlainHeaders:
    """Reads the headers of plain sends.

    Args:
        harmless_sys_flag: the bits that a plain send's sysFlag may have.
        kept: how many headers are known at most.
        halves: those of half messages instead.
    """

    def __init__(self, harmless_sys_flag: int, kept: int = KEPT, *, halves: bool = False) -> None:
        self._harmless = harmless_sys_flag
        self._may_be = _may_be_half if halves else may_be_plain
        self._kept = kept
        known: KnownHeaders[SendKind] = KnownHeaders(kept)
        self._cuts, self._known, self._learn = known.cuts, known.kinds, known.learn
        self._kinds: dict[tuple[object, ...], SendKind | None] = {}
        self._constant: dict[tuple[str, ...], Callable[[Mapping[str, str]], object]] = {}

    def read(self, data: bytes, position: int, end: int, word: int) -> PlainSend | None:
        """Return what a header says ; None when it is not plain.

        Args:
            data: in which the header stands from ``position`` to ``end``.
            position: behind the frame's two words.
            end: where the body begins.
            word: serialize type and header length.
        """
        for cut in self._cuts.get(word, ()):
            parts = cut(data, position)
            kind = self._known.get(parts[::2])
            if kind is not None:
                if not kind.is_binary:
                    found = _from_json(*parts[1::2])
                    if found is None:
                        break
                    return kind, *found
                opaque, group, topic, queue, born, properties = parts[1::2]
                if queue.isdigit() and born.isdigit() and group.isascii() and topic.isascii():
                    return kind, opaque, topic, int(queue), int(born), properties
                break
        return self._read_slowly(data, position, end, word)

    def _read_slowly(self, data: bytes, position: int, end: int, word: int) -> PlainSend | None:
        if not self._may_be(data, position, end, word):
            return None
        header, is_binary = data[position:end], word >> 24 == ROCKETMQ
        try:
            values = decode_binary_header(header) if is_binary else decode_json_header(header)
            code, _, _, opaque, flag, remark, ext = values
            fields = FIELDS[code]
            if remark is not None or ext is None:
                return None
            queue, born = ext[fields.queue_id], ext[fields.born_timestamp]
            topic = ext[fields.topic].encode()
            properties = ext.get(fields.properties, "").encode()
        except (BadHeader, KeyError, UnicodeEncodeError):
            return None
        kind = self._kind(fields, ext, flag, is_binary=is_binary)
        if kind is None or not (
            _is_number(queue, _QUEUE_DIGITS) and _is_number(born, _TIME_DIGITS)
        ):
            return None
        self._learn(values, header, word, _varying(fields), kind)
        opaque_bytes = header[5:9]
        return kind, opaque_bytes if is_binary else opaque, topic, int(queue), int(born), properties

    def _kind(
        self, fields: SendFields, ext: dict[str, str], flag: int, *, is_binary: bool
    ) -> SendKind | None:
        """Return what a header says besides the fields that differ from send to send."""
        names = tuple(ext)
        constant = self._constant.get(names)
        if constant is None:
            varying = _varying(fields)
            others = [name for name in names if name not in varying]
            if not (others and ext.keys() >= set(varying[:2])):
                return None
            if len(self._constant) >= self._kept:
                self._constant.clear()
            constant = self._constant[names] = itemgetter(*others)
        key = (names, constant(ext), flag, is_binary)
        kind = self._kinds.get(key)
        if kind is None and key not in self._kinds:
            if len(self._kinds) >= self._kept:
                self._kinds.clear()
            kind = _new_kind(fields, ext, flag, is_binary=is_binary)
            if kind is not None and kind.sys_flag & ~self._harmless:
                kind = None
            self._kinds[key] = kind
        return kind


def _varying(fields: SendFields) -> tuple[str, ...]:
    """Return the fields that differ, in the order of Java's producers: the one worth knowing."""
    return (
        fields.producer_group,
        fields.topic,
        fields.queue_id,
        fields.born_timestamp,
        fields.properties,
    )


def _from_json(
    group: bytes, topic: bytes, queue: bytes, born: bytes, text: bytes, opaque: bytes
) -> tuple[int, bytes, int, int, bytes] | None:
    """Return opaque, topic, queue id, born time and properties; None when it takes more to read them."""
    if not (queue + born + opaque).isdigit() or (group + topic).translate(None, _OF_NAMES):
        return None
    number, is_odd = int(opaque), opaque[0] == _ZERO and len(opaque) > 1
    if number > _INT_MAX or is_odd or text.translate(None, _NOT_TEXT) != text:
        return None
    properties = text.replace(b"\\u0001", b"\x01").replace(b"\\u0002", b"\x02")
    return None if b"\\" in properties else (number, topic, int(queue), int(born), properties)


def _new_kind(
    fields: SendFields, ext: dict[str, str], flag: int, *, is_binary: bool
) -> SendKind | None:
    """Return what a header says; None when a field is missing, unknown or unusual."""
    numbers = [ext.get(name) for name in (fields.flag, fields.sys_flag)]
    again = ext.get(fields.reconsume_times, "0")
    most = ext.get(fields.max_reconsume_times, "0")
    wanted = ext.get(fields.default_topic_queue_nums)
    batch = ext.get(fields.batch, "false")
    if (
        flag & ~ONEWAY_FLAG
        or not ext.keys() <= set(plain_names(fields))
        or fields.default_topic not in ext
        or ext.get(fields.unit_mode, "false") != "false"
        or batch not in {"true", "false"}
        or not all(map(_is_int, (*numbers, again, most, wanted)))
        or int(again) < 0
    ):
        return None
    of_user, of_system = map(int, filter(None, numbers))
    is_oneway = flag == ONEWAY_FLAG
    return SendKind(of_user, of_system, int(again), batch == "true", is_oneway, is_binary)


def _is_number(text: str, digits: int) -> bool:
    return len(text) <= digits and text.isascii() and text.isdigit()


def _is_int(text: str | None) -> bool:
    """Return whether a text is a 32-bit number as Java writes it."""
    if text is None or len(text) > 11 or not text.isascii():
        return False
    return text.removeprefix("-").isdigit() and -_INT_MAX - 1 <= int(text) <= _INT_MAX
