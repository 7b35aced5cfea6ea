"""Answers to pulls that found messages, each written in one step (``PullMessageResponseHeader``).

Only numbers change from one such answer to the next, so both serialisations have theirs ready but for
these. The bytes are those of the general encoder.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import LANGUAGE_NAMES, RESPONSE_FLAG, LanguageCode
from rmqwire.codec.command import ROCKETMQ
from rmqwire.codec.headers import PullMessageResponseHeader

if TYPE_CHECKING:
    from rmqwire.codec.release import Release

FOUND: Final = "FOUND"  # GetMessageStatus, the remark
_REMARK: Final = FOUND.encode()
# In the order of ``encode``'s arguments.
_FIELDS: Final = (
    "suggestWhichBrokerId",
    "nextBeginOffset",
    "minOffset",
    "maxOffset",
    "topicSysFlag",
    "groupSysFlag",
)
# total length, serialize type and header length, code, language, version, opaque, flag, remark
# and its length, ext fields length; the ROCKETMQ header is 26 bytes and the ext fields.
_HEAD: Final = Struct(">iIHBHiii5si")
_FIXED: Final = 21 + len(FOUND)


class PullAnswers:
    """The answers of one broker to the pulls that found something.

    Args:
        release: whose fields and order; its version is announced.
        language: who answers.

    Attributes:
        json: template of a JSON header: numbers and the opaque.
        json_order: which of the numbers these are, in order.
        fields: names and numbers of a ROCKETMQ header, in order.
        language: who answers,
        version: and what is announced.
    """

    def __init__(self, release: Release, *, language: int = LanguageCode.PYTHON.value) -> None:
        self.version = release.mq_version
        self.language = language
        fields = _FIELDS if release.broker.pull_sys_flags else _FIELDS[:4]
        numbers = {name: index for index, name in enumerate(fields)}
        header = PullMessageResponseHeader.decode({name: str(i) for name, i in numbers.items()})
        fast, slow = list(header.encode(fast=True)), list(header.encode())
        self.json_order = [numbers[name] for name in slow]
        self.fields = [(name, numbers[name]) for name in fast]
        self._in_json = itemgetter(*self.json_order)
        self._in_binary = itemgetter(*(number for _, number in self.fields))
        entries = ",".join(f'"{name}":"%d"' for name in slow)
        self.json = (
            f'{{"code":0,"extFields":{{{entries}}},"flag":{RESPONSE_FLAG},'
            f'"language":"{LANGUAGE_NAMES[language]}","opaque":%d,"remark":"{FOUND}",'
            f'"serializeTypeCurrentRPC":"JSON","version":{self.version}}}'
        )
        self._entries = b"".join(b"\0%c%b%%b" % (len(name), name.encode()) for name in fast)

    def encode(
        self, serialize_type: int, opaque: int, numbers: tuple[int, ...], body: bytes
    ) -> bytes:
        """Return the whole frame of an answer.

        Args:
            serialize_type: of the request,
            opaque: and its.
            numbers: broker to pull from next, next offset, the queue's first and last, and the system
                flags of topic and group, which only some releases answer.
            body: the records.
        """
        return self.head(serialize_type, opaque, numbers, len(body)) + body

    def head(
        self, serialize_type: int, opaque: int, numbers: tuple[int, ...], body_size: int
    ) -> bytes:
        """Return the frame but for its body, of which only the size is told."""
        if serialize_type == ROCKETMQ:
            return self._binary_head(opaque, self._in_binary(numbers), body_size)
        header = (self.json % (*self._in_json(numbers), opaque)).encode()
        size = len(header)
        words = (size + 4 + body_size) << 32 | size
        return words.to_bytes(8, "big") + header

    def _binary_head(self, opaque: int, numbers: tuple[int, ...], body_size: int) -> bytes:
        entries = self._entries % tuple(map(_value, numbers))
        size = len(entries)
        head = _HEAD.pack(
            4 + _FIXED + size + body_size,
            ROCKETMQ << 24 | _FIXED + size,
            0,
            self.language,
            self.version,
            opaque,
            RESPONSE_FLAG,
            len(FOUND),
            _REMARK,
            size,
        )
        return head + entries


@lru_cache(4096)
def _value(number: int) -> bytes:
    """Return a number as the value of an ext field: length and digits."""
    digits = b"%d" % number
    return len(digits).to_bytes(4, "big") + digits
