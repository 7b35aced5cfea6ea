"""Plain pulls in Python: all of a pass in one call, from their frames to their answers.

The twin of ``rmqwire_speedups.Pulls`` for brokers without that module. The pulls of one consumer differ in
queue, offsets and opaque; all else of a header is looked at once and then known by its bytes' text.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import FRAME_MAX_LENGTH, JSON, ROCKETMQ
from rmqwire.codec.header_binary import decode_binary_header
from rmqwire.codec.header_json import decode_json_header
from rmqwire.codec.sys_flag import PULL_COMMIT_OFFSET, PULL_SUBSCRIPTION, PULL_SUSPEND
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rmqwire.broker.processors.pull_lane import Got, Here, Prepared, PullPlan
    from rmqwire.codec.pull_answer import PullAnswers
    from rmqwire.store.results import GetMessageResult

    Prepare = Callable[
        [int, str, str, int, "str | None", "int | None", "str | None"], Prepared | None
    ]
    Find = Callable[[PullPlan, int, int, int], GetMessageResult | None]
    Part = tuple[int, int, bytes]
    # kind, queue id, offset, what was committed, opaque, serialize type
    Asked = tuple["PullKind", int, int, int | None, int, int]

PULLS: Final = (int(RequestCode.PULL_MESSAGE), int(RequestCode.LITE_PULL_MESSAGE))
FIELDS: Final = (
    "consumerGroup",
    "topic",
    "queueId",
    "queueOffset",
    "maxMsgNums",
    "sysFlag",
    "commitOffset",
    "suspendTimeoutMillis",
    "subscription",
    "subVersion",
    "expressionType",
)
SAY_NOTHING: Final = ("bname", "maxMsgBytes", "ReqT")  # Java's consumers send them along
_NAMES: Final = frozenset((*FIELDS, *SAY_NOTHING))
_VARYING: Final = frozenset(("queueId", "queueOffset", "commitOffset"))
_USUAL_FLAGS: Final = PULL_COMMIT_OFFSET | PULL_SUSPEND | PULL_SUBSCRIPTION
_KEPT: Final = 4096  # kinds: their names are the users'
_INT_MAX: Final = 2**31 - 1
_LONG_MAX: Final = 2**63 - 1
_HEADER_LENGTH: Final = 0xFFFFFF
_DECODE: Final = {ROCKETMQ: decode_binary_header, JSON: decode_json_header}


class PullKind(NamedTuple):
    """What the pulls of one consumer have in common."""

    code: int
    group: str
    topic: str
    most: int
    sys_flag: int
    subscription: str | None
    sub_version: int | None
    expression_type: str | None


class PlainPulls:
    """Turns plain pulls at the front of what connections brought into answers.

    Args:
        codes: of requests that are such pulls.
        answers: writes the answers.
        prepare: as that of ``rmqwire_speedups.Pulls``.
        find: is told a plan, a queue id, an offset and the number of messages wanted; returns what the
            queue has; None when the pull isn't plain.
    """

    def __init__(
        self, codes: Sequence[int], answers: PullAnswers, prepare: Prepare, find: Find
    ) -> None:
        self._codes = codes
        self._encode = answers.encode
        self._prepare = prepare
        self._find = find
        self._constant: dict[tuple[str, ...], Callable[[Mapping[str, str]], object]] = {}
        self._kinds: dict[tuple[object, ...], PullKind | None] = {}

    def take(
        self, inputs: Sequence[tuple[bytes, int, int, int]], here: Here
    ) -> tuple[list[Part], list[Got]]:
        """Do what ``rmqwire_speedups.Pulls.take`` does."""
        known: dict[PullKind, Prepared | None] = {}
        parts: list[Part] = []
        got: list[Got] = []
        for number, (data, begin, stop, room) in enumerate(inputs):
            answers: list[bytes] = []
            position, size = begin, 0
            while position < stop and size <= room:
                end = position + 4 + int.from_bytes(data[position : position + 4], "big")
                asked = self._read(data, position, end)
                found = None if asked is None else self._answer(known, asked, number)
                if found is None:
                    break
                answers.append(found[0])
                got.append(found[1])
                size += len(found[0])
                position = end
            parts.append((len(answers), position, b"".join(answers)))
        return parts, got

    def _answer(
        self, known: dict[PullKind, Prepared | None], asked: Asked, number: int
    ) -> tuple[bytes, Got] | None:
        """Answer a pull; None when it is not plain, or nothing is there for it."""
        kind, queue_id, offset, commit, opaque, serialize_type = asked
        try:
            if kind not in known:
                known[kind] = self._ask(kind)
            prepared = known[kind]
            if prepared is None or queue_id >= prepared[3]:
                return None
            result = self._find(prepared[0], queue_id, offset, kind.most)
        except Exception:  # noqa: BLE001  the handler meets it again, and answers
            return None
        if result is None:
            return None
        plan, _, _, _, near, far, topic_flag, group_flag = prepared
        body, next_offset = result.body, result.next_begin_offset
        numbers = (
            far if result.suggest_pulling_from_slave else near,
            next_offset,
            result.min_offset,
            result.max_offset,
            topic_flag,
            group_flag,
        )
        got = (plan, number, queue_id, result.count, len(body), next_offset, commit)
        return self._encode(serialize_type, opaque, numbers, body), got

    def _ask(self, kind: PullKind) -> Prepared | None:
        own = kind.sys_flag & PULL_SUBSCRIPTION
        told = (kind.subscription, kind.sub_version, kind.expression_type)
        prepared = self._prepare(kind.code, kind.group, kind.topic, own, *told)
        # by tags there may be nothing, and what was looked at in vain is looked at again
        return None if prepared is None or prepared[1] is not None else prepared

    def _read(self, data: bytes, position: int, end: int) -> Asked | None:
        """Read the frame from ``position`` to ``end``; None when it is not plain."""
        if not 8 <= end - position <= FRAME_MAX_LENGTH or end > len(data):
            return None
        word = int.from_bytes(data[position + 4 : position + 8], "big")
        serialize_type = word >> 24
        decode = _DECODE.get(serialize_type)
        if position + 8 + (word & _HEADER_LENGTH) != end or decode is None:
            return None  # it has a body, or is cut
        try:
            code, _, _, opaque, flag, remark, ext = decode(data[position + 8 : end])
            if flag or remark is not None or not ext or code not in self._codes:
                return None
            kind = self._kind(code, ext)
            queue_id, queue_offset = _natural(ext["queueId"]), _natural(ext["queueOffset"])
            commit = _optional_long(ext.get("commitOffset"))
        except (BadHeader, KeyError, ValueError):
            return None
        if kind is not None and not kind.sys_flag & PULL_COMMIT_OFFSET:
            commit = None
        elif kind is None or commit is None:
            return None
        return kind, queue_id, queue_offset, commit, opaque, serialize_type

    def _kind(self, code: int, ext: dict[str, str]) -> PullKind | None:
        """Return what a header says besides the fields that differ from pull to pull."""
        names = tuple(ext)
        constant = self._constant.get(names)
        if constant is None:
            if not _NAMES.issuperset(names):
                return None
            if len(self._constant) >= _KEPT:
                self._constant.clear()
            # the first two so that it is a tuple
            others = [name for name in names if name not in _VARYING]
            constant = self._constant[names] = itemgetter("topic", "topic", *others)
        key = (code, names, constant(ext))
        kind = self._kinds.get(key)
        if kind is None and key not in self._kinds:
            if len(self._kinds) >= _KEPT:
                self._kinds.clear()
            kind = self._kinds[key] = _new_kind(code, ext)
        return kind


def _new_kind(code: int, ext: dict[str, str]) -> PullKind | None:
    """Return what a header says; None when a field is missing or unusual."""
    if "" in ext.values():
        return None
    subscription = ext.get("subscription")
    if subscription is not None and not subscription.strip("|"):
        return None
    try:
        most, sys_flag = _long(ext["maxMsgNums"]), _long(ext["sysFlag"])
        _optional_long(ext.get("suspendTimeoutMillis"))
        version = _optional_long(ext.get("subVersion"))
        group, topic = ext["consumerGroup"], ext["topic"]
    except (KeyError, ValueError):
        return None
    if not -_INT_MAX - 1 <= most <= _INT_MAX or sys_flag & ~_USUAL_FLAGS:
        return None
    kind = ext.get("expressionType")
    return PullKind(code, group, topic, most, sys_flag, subscription, version, kind)


def _long(text: str) -> int:
    """Return a number of 64 bits.

    Raises:
        ValueError: it is none in Java's spelling.
    """
    number = int(text)
    if str(number) != text or not -_LONG_MAX - 1 <= number <= _LONG_MAX:
        raise ValueError(text)
    return number


def _natural(text: str) -> int:
    """Return a number of 63 bits.

    Raises:
        ValueError: it is none in Java's spelling.
    """
    number = int(text)
    if str(number) != text or not 0 <= number <= _LONG_MAX:
        raise ValueError(text)
    return number


def _optional_long(text: str | None) -> int | None:
    return None if text is None else _long(text)
