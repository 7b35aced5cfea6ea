"""Plain pulls in Python: all of a pass in one call, from their frames to their answers.

The twin of ``rmqwire_speedups.Pulls`` for brokers without that module. The pulls of one consumer differ in
queue, offsets and opaque; all else is the same in each. A header is known by everything in it but those four
(``KnownHeaders``). One that is not known is read as any other.
"""

from __future__ import annotations

from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from rmqwire.broker.processors.known_headers import KEPT, KnownHeaders
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
    from rmqwire.store.reading.pull import Bounds

    Prepare = Callable[
        [int, str, str, int, "str | None", "int | None", "str | None"], Prepared | None
    ]
    # messages, how many, next offset, the queue's first and last, whether it lags far behind
    Found = tuple[bytes, int, int, int, int, bool]
    Find = Callable[[PullPlan, int, int, int, Bounds], Found | None]
    Part = tuple[int, int, bytes]

PULLS: Final = (int(RequestCode.PULL_MESSAGE), int(RequestCode.LITE_PULL_MESSAGE))
_unpack_words = Struct(">iI").unpack_from  # of a frame: its length; serialize type, header length
_HEADER_LENGTH: Final = 0xFFFFFF
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
_VARYING: Final = ("queueId", "queueOffset", "commitOffset")  # in the order of a ROCKETMQ header
_IN_JSON: Final = ("queueId", "commitOffset", "queueOffset")
_USUAL_FLAGS: Final = PULL_COMMIT_OFFSET | PULL_SUSPEND | PULL_SUBSCRIPTION
_INT_MAX: Final = 2**31 - 1
_LONG_MAX: Final = 2**63 - 1
_DIGITS: Final = 18  # more may not fit
_DECODE: Final = {ROCKETMQ: decode_binary_header, JSON: decode_json_header}


class PullKind(msgspec.Struct, frozen=True, eq=False):
    """What the pulls of one consumer have in common.

    Args:
        code: of the requests.
        group: whose they are.
        topic: what they read.
        most: messages of one.
        sys_flag: ``PullSysFlag``.
        subscription: what they want, if they say it themselves.
        sub_version: of the subscription that they are about.
        expression_type: TAG if not said.
        commits: they say how far the group has consumed.
    """

    code: int
    group: str
    topic: str
    most: int
    sys_flag: int
    subscription: str | None
    sub_version: int | None
    expression_type: str | None
    commits: bool


PlainPull: TypeAlias = "tuple[PullKind, int, int, int, int | None, int]"
"""Kind, opaque, queue id, offset, the offset to commit if its kind does, serialize type."""


class PullHeaders:
    """Reads the headers of plain pulls.

    Args:
        codes: of requests that are such pulls.
    """

    def __init__(self, codes: Sequence[int]) -> None:
        self._codes = codes
        known: KnownHeaders[PullKind] = KnownHeaders()
        self._cuts, self._known, self._learn = known.cuts, known.kinds, known.learn
        self._kinds: dict[tuple[object, ...], PullKind | None] = {}
        self._constant: dict[tuple[str, ...], Callable[[Mapping[str, str]], object]] = {}

    def read(self, data: bytes, position: int, end: int, word: int) -> PlainPull | None:
        """Return what a header says; None when it is not plain.

        Args:
            data: in which the header stands from ``position`` to ``end``.
            position: behind the frame's two words.
            end: of the header.
            word: serialize type and header length.
        """
        for cut in self._cuts.get(word, ()):
            parts = cut(data, position)
            kind = self._known.get(parts[::2])
            if kind is not None:
                serialize_type = word >> 24
                if serialize_type == ROCKETMQ:
                    opaque, queue, offset, commit = parts[1::2]
                    number = int.from_bytes(opaque, "big", signed=True)
                else:
                    queue, commit, offset, opaque = parts[1::2]
                    number = int(opaque) if _is_natural(opaque) else _INT_MAX + 1
                if not (queue + offset + commit).isdigit() or number > _INT_MAX:
                    break
                return kind, number, int(queue), int(offset), int(commit), serialize_type
        return self._read_slowly(data[position:end], word)

    def _read_slowly(self, header: bytes, word: int) -> PlainPull | None:
        serialize_type = word >> 24
        decode = _DECODE.get(serialize_type)
        if decode is None:
            return None
        try:
            values = decode(header)
            code, _, _, opaque, flag, remark, ext = values
            if flag or remark is not None or not ext or code not in self._codes:
                return None
            kind = self._kind(code, ext)
            queue, offset, commit = ext["queueId"], ext["queueOffset"], ext.get("commitOffset")
            queue_id, queue_offset = _natural(queue), _natural(offset)
            commit_offset = None if commit is None else _long(commit)
        except (BadHeader, KeyError, ValueError):
            return None
        if kind is None or (commit_offset is None and kind.commits):
            return None
        if max(len(queue), len(offset), len(commit or "")) <= _DIGITS:
            names = _VARYING if serialize_type == ROCKETMQ else _IN_JSON
            self._learn(values, header, word, names, kind)
        return kind, opaque, queue_id, queue_offset, commit_offset, serialize_type

    def _kind(self, code: int, ext: dict[str, str]) -> PullKind | None:
        """Return what a header says besides the fields that differ from pull to pull."""
        names = tuple(ext)
        constant = self._constant.get(names)
        if constant is None:
            if not _NAMES.issuperset(names):
                return None
            if len(self._constant) >= KEPT:
                self._constant.clear()
            # the first two so that it is a tuple
            others = [name for name in names if name not in _VARYING]
            constant = self._constant[names] = itemgetter("topic", "topic", *others)
        key = (code, names, constant(ext))
        kind = self._kinds.get(key)
        if kind is None and key not in self._kinds:
            if len(self._kinds) >= KEPT:
                self._kinds.clear()
            kind = self._kinds[key] = _new_kind(code, ext)
        return kind


class PlainPulls:
    """Turns plain pulls at the front of what connections brought into answers.

    Args:
        codes: of requests that are such pulls.
        answers: writes the answers.
        prepare: as that of ``rmqwire_speedups.Pulls``.
        bounds: says what bounds the pulls of a call.
        find: is told a plan, a queue id, an offset, the number of messages wanted and those bounds;
            returns what the queue has; None when the pull isn't plain.
    """

    def __init__(
        self,
        codes: Sequence[int],
        answers: PullAnswers,
        prepare: Prepare,
        bounds: Callable[[Here], Bounds],
        find: Find,
    ) -> None:
        self._read = PullHeaders(codes).read
        self._head = answers.head
        self._prepare = prepare
        self._bounds = bounds
        self._find = find

    def take(
        self, inputs: Sequence[tuple[bytes, int, int, int]], here: Here
    ) -> tuple[list[Part], list[Got]]:
        """Do what ``rmqwire_speedups.Pulls.take`` does."""
        known: dict[PullKind, Prepared | None] = {}
        bounds = self._bounds(here)
        parts: list[Part] = []
        got: list[Got] = []
        for number, (data, begin, stop, room) in enumerate(inputs):
            answers: list[bytes] = []
            position, size = begin, 0
            while stop - position >= 8 and size <= room:
                length, word = _unpack_words(data, position)
                header_at, end = position + 8, position + 4 + length
                if (
                    length > FRAME_MAX_LENGTH - 4
                    or end > len(data)
                    or header_at + (word & _HEADER_LENGTH) != end  # it has a body, or is cut
                ):
                    break
                pull = self._read(data, header_at, end, word)
                found = None if pull is None else self._answer(known, bounds, pull, number)
                if found is None:
                    break
                head, body, one = found
                answers += (head, body)
                got.append(one)
                size += len(head) + len(body)
                position = end
            parts.append((len(answers) // 2, position, b"".join(answers)))
        return parts, got

    def _answer(
        self, known: dict[PullKind, Prepared | None], bounds: Bounds, pull: PlainPull, number: int
    ) -> tuple[bytes, bytes, Got] | None:
        """Answer a pull; None when it is not plain, or nothing is there for it."""
        kind, opaque, queue_id, offset, commit, serialize_type = pull
        try:
            if kind not in known:
                known[kind] = self._ask(kind)
            prepared = known[kind]
            if prepared is None or queue_id >= prepared[3]:
                return None
            plan, _, _, _, near, far, topic_flag, group_flag = prepared
            found = self._find(plan, queue_id, offset, kind.most, bounds)
        except Exception:  # noqa: BLE001  the handler meets it again, and answers
            return None
        if found is None:
            return None
        body, count, next_offset, low, high, is_far = found
        numbers = (far if is_far else near, next_offset, low, high, topic_flag, group_flag)
        size = len(body)
        if not kind.commits:
            commit = None
        got = (plan, number, queue_id, count, size, next_offset, commit)
        return self._head(serialize_type, opaque, numbers, size), body, got

    def _ask(self, kind: PullKind) -> Prepared | None:
        own = kind.sys_flag & PULL_SUBSCRIPTION
        told = (kind.subscription, kind.sub_version, kind.expression_type)
        prepared = self._prepare(kind.code, kind.group, kind.topic, own, *told)
        # by tags there may be nothing, and what was looked at in vain is looked at again
        return None if prepared is None or prepared[1] is not None else prepared


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
    commits = bool(sys_flag & PULL_COMMIT_OFFSET)
    return PullKind(code, group, topic, most, sys_flag, subscription, version, kind, commits)


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
    number = _long(text)
    if number < 0:
        raise ValueError(text)
    return number


def _optional_long(text: str | None) -> int | None:
    return None if text is None else _long(text)


def _is_natural(digits: bytes) -> bool:
    return digits.isdigit() and (digits[:1] != b"0" or digits == b"0")
