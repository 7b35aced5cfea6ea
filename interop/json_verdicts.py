"""Java's reading of a text beside ours, and why they may differ.

``same``     the same value, or both refuse
``union``    this release refuses what the other one takes; we take it, with the other's value
``on purpose``  one of ``DIFFERENCES``, each of which stands in docs/reference/json.md
``different``   none of these: a fault
"""

from __future__ import annotations

import base64
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import msgspec

from interop.jars import class_path
from interop.json_cases import Case, Oddity, body_cases, mixed_cases
from rmqwire.codec import java_json
from rmqwire.codec.header_json import CommandHeader
from rmqwire.codec.release import RELEASES
from tests.support.golden import protocol_table
from tests.support.json_reading import COMMAND, body_class, canonical_text, our_reading

VERSIONS = ("4.9.7", "5.5.0")
MIXED = 200  # cases with several oddities per class
UNWRITABLE = "taken, but Java's own writer fails on it"
COMMAND_SAMPLE = (
    '{"code":105,"extFields":{"topic":"t","b":"x"},"flag":3,"language":"GO","opaque":5,"remark":"r",'
    '"serializeTypeCurrentRPC":"JSON","version":407}'
)
NOT_COMPARED = {
    "User": "kept in RocksDB, with numbers for its enums",
    "Acl": "kept in RocksDB, read as it is",
    "BrokerIdentity": "written by nobody; its name is the host's",
    "PopCheckPoint": "written by the broker for itself, with a byte that Java cuts off",
    "ReplicasInfo": "the controller's, made by a constructor that takes what is missing for 0 or null",
    "ReplicaIdentity": "the same",
    "BrokerReplicasInfo": "the same",
    "EpochEntry": "the same",
    "EpochEntryCache": "the same",
    "ResetOffsetBodyForC": "for C++ clients; nobody here reads it",
    "TopicQueueMappingOne": "made by an admin tool for itself",
    "ConsumerOffsetManager": "the file of a manager that is read as its wrapper",
    "TopicConfigManager": "the same",
    "SubscriptionGroupManager": "the same",
    "TimerMetrics": "the same",
}


@dataclass(frozen=True)
class Difference:
    """What we read otherwise than a release, on purpose.

    Args:
        why: in a few words.
        texts: the oddities that show it; empty: all.
        places: types of fields, as ``type_name`` has them, or Java's names of them; empty: all.
        versions: the releases that differ from us.
    """

    why: str
    texts: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    versions: tuple[str, ...] = VERSIONS

    def covers(self, version: str, name: str, oddity: Oddity) -> bool:
        here = {name, oddity.what}
        if oddity.path:
            here |= {type_name(type_at(name, oddity.path)), f"{name}.{oddity.path[0]}"}
        return (
            version in self.versions
            and (not self.texts or oddity.text in self.texts)
            and (not self.places or not here.isdisjoint(self.places))
        )


DIFFERENCES = (
    Difference("a command's header is read as 4.9.7 does", (), (COMMAND,), ("5.5.0",)),
    Difference("the text of a whole number has no leading zeros and no -0", ("01", "-0")),
    Difference("a key that is null is dropped", ('""', '"null"', "null"), ("key",)),
    Difference(
        "a whole number of more than 64 bits is refused; 4.9.7 cuts it off",
        ("12345678901234567890123",), ("Long",), ("4.9.7",),
    ),
    Difference("null in quotes is Base64 of three bytes", ('"null"',), ("bytes",), ("5.5.0",)),
    Difference("1L is true, as in 4.9.7", ("1L",), ("bool",), ("5.5.0",)),
    Difference(
        "a list is no boolean; 5.5.0 takes one in some places and refuses it in others",
        ("[1]", '["1"]', "[null]", "[true]", "[1.5]", "[[1]]"), ("bool",), ("5.5.0",),
    ),
    Difference(
        "nulls among numbers are dropped; 5.5.0 makes 0 of them in a long[] and an AtomicLong",
        ("null", '"null"', '""', "[null]"), ("list[Long]", "Long"), ("5.5.0",),
    ),
    Difference(
        "one value in the place of a list of numbers is any number; Java splits text at commas or"
        " refuses it", (), ("SetOf[Int]", "SetOf[Long]", "list[Long]", "list[Int]"),
    ),
    Difference(
        "a list of one map is its map, whatever the map holds",
        ("[{}]", '[{"a":"b"}]', "[null]"),
    ),
    Difference(
        "a list within a map is read as others are", (),
        ("TopicRouteData.filterServerTable", "ProducerTableInfo.data"),
    ),
    Difference(
        "what is skipped may hold bare keys, which 5.5.0 can't skip", (),
        ("ElectMasterResponseBody.brokerMemberGroup",
         "RoleChangeNotifyEntry.brokerMemberGroup", "TopicConfigAndQueueMapping.mappingDetail",
         "TopicRemappingDetailWrapper.brokerConfigMap",
         "GetBrokerMemberGroupResponseBody.brokerMemberGroup"), ("5.5.0",),
    ),
    Difference(
        "where Java's own class fails on a null, it is dropped", (),
        ("ConsumerRunningInfo.mqTable", "ConsumerRunningInfo.subscriptionSet",
         "LiteSubscription.liteTopicSet", "SyncStateSet"),
    ),
    Difference(
        "values are text; Java's Properties keep what they find", (),
        ("ConsumerRunningInfo.properties",),
    ),
    Difference(
        "a single value is no list of maps, and a boolean no acknowledgement", (),
        ("ConsumeStatsList.consumeStatsList", "BatchAckMessageRequestBody.acks"),
    ),
)  # fmt: skip


# ---- the types of our fields ------------------------------------------------------------------


def type_at(name: str, path: tuple[Any, ...]) -> Any:
    """Return the type of our field for a place in the text of a class of Java's."""
    kind: Any = CommandHeader if name == COMMAND else body_class(name)
    for step in path:
        kind = _plain(kind)
        if get_origin(kind) in {list, dict}:
            kind = get_args(kind)[-1]
        else:
            found = [f.type for f in msgspec.structs.fields(kind) if f.encode_name == step]
            if not found:  # written by a getter, and never read
                return None
            kind = found[0]
    return kind


def _plain(kind: Any) -> Any:
    """Return a type without None and without what marks a Set or a ConcurrentMap."""
    if type(None) in get_args(kind):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Annotated and get_args(kind)[0] not in {int, str}:
        kind = get_args(kind)[0]
    return kind


def type_name(kind: Any) -> str:
    """Return a short name: Int, Long, bool, str, enum, Body, SetOf[Long], list[Body]."""
    args = get_args(kind)
    if type(None) in args:
        return type_name(next(one for one in args if one is not type(None)))
    if get_origin(kind) is Annotated and args[0] is int:
        return "Int" if args[1].ge == -(1 << 31) else "Long"
    if get_origin(kind) is Annotated:
        return "enum" if args[0] is str else type_name(args[0]).replace("list", "SetOf")
    if get_origin(kind) in {list, dict}:
        return f"{get_origin(kind).__name__}[{', '.join(map(type_name, args))}]"
    is_body = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return "Body" if is_body else getattr(kind, "__name__", str(kind))


# ---- verdicts ---------------------------------------------------------------------------------


def samples(version: str) -> dict[str, str]:
    """Return the text that Java wrote for each class that is compared, by the class's name."""
    found = {COMMAND: COMMAND_SAMPLE}
    for name, versions in protocol_table("bodies")["bodies"].items():
        sample = versions.get(version, {}).get("sample")
        if sample and name.rsplit(".", maxsplit=1)[-1] not in NOT_COMPARED and name != COMMAND:
            found[name] = sample
    return found


def java_class(name: str, version: str) -> str | None:
    """Return where a release has a class; None: it has none."""
    entry = protocol_table("bodies")["bodies"].get(name, {}).get(version)
    return entry and entry["class"]


def java_readings(version: str, cases: Iterable[Case]) -> list[str | None]:
    """Return what a release's own jars read, as canonical text; None: refused."""
    readings: list[str | None] = []
    for answer in ask_java(version, [_line(case, version) for case in cases]):
        if answer[:1] == "=":
            readings.append(canonical_text(java_json.loads(answer[1:])))
        else:
            readings.append(UNWRITABLE if answer[:1] == "?" else None)
    return readings


def _line(case: Case, version: str) -> str:
    data = base64.b64encode(case.data).decode()
    return (
        f"command\t{data}"
        if case.name == COMMAND
        else f"body\t{java_class(case.name, version)}\t{data}"
    )


def ask_java(version: str, lines: list[str]) -> list[str]:
    """Give lines to JsonReading.java on a release's class path and return its answers."""
    command = ["java", "-Xmx512m", "-cp", class_path(version), "JsonReading"]
    run = subprocess.run(
        command,
        input="\n".join([*lines, ""]).encode(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    answers = run.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(lines), run.stderr.decode()[-2000:]
    return answers


@dataclass(frozen=True)
class Verdict:
    """One case and what both sides made of it."""

    case: Case
    java: str | None
    ours: str | None
    kind: str  # same, union, on purpose: ..., different


class Comparison:
    """All classes of one release, read by its jars and by us.

    Args:
        version: the release.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.other = next(v for v in VERSIONS if v != version)
        self.release = RELEASES[version]
        self.taken_elsewhere: set[tuple[str, str]] = set()  # (type, text) that only the other takes

    def singles(self) -> list[Verdict]:
        """Judge every case with one oddity."""
        cases = [
            case for name, text in samples(self.version).items() for case in body_cases(name, text)
        ]
        return self._judged(cases)

    def mixed(self, singles: list[Verdict], count: int = MIXED) -> list[Verdict]:
        """Judge cases with several oddities, each of which was read alike alone."""
        agreed: dict[str, list[Oddity]] = defaultdict(list)
        for verdict in singles:
            if verdict.kind == "same" and verdict.java is not None:
                agreed[verdict.case.name] += verdict.case.oddities
        cases = [
            case
            for name, text in samples(self.version).items()
            for case in mixed_cases(name, text, agreed[name], count)
        ]
        return self._judged(cases)

    def _judged(self, cases: list[Case]) -> list[Verdict]:
        java = java_readings(self.version, cases)
        ours = [our_reading(case.name, case.data, self.release) for case in cases]
        open_cases = [
            case for case, theirs, own in zip(cases, java, ours, strict=True)
            if theirs is None and own is not None
        ]  # fmt: skip
        union = self._union(open_cases)
        return [
            Verdict(case, theirs, own, self._kind(case, theirs, own, union))
            for case, theirs, own in zip(cases, java, ours, strict=True)
        ]

    def _union(self, cases: list[Case]) -> set[Case]:
        """Return the cases that the other release takes with the value that we take there."""
        known = [c for c in cases if c.name == COMMAND or java_class(c.name, self.other)]
        taken = set()
        for case, theirs in zip(known, java_readings(self.other, known), strict=True):
            if theirs is not None and theirs == our_reading(
                case.name, case.data, RELEASES[self.other]
            ):
                taken.add(case)
                self.taken_elsewhere |= {
                    (self._type(case, o), f"{o.what} {o.text}") for o in case.oddities
                }
        return taken

    def _type(self, case: Case, oddity: Oddity) -> str:
        return type_name(type_at(case.name, oddity.path))

    def _kind(self, case: Case, java: str | None, ours: str | None, union: set[Case]) -> str:
        if java == ours or (java == UNWRITABLE and ours is not None):
            return "same"
        if case in union:
            return "union"
        for oddity in case.oddities:
            if (
                java is None
                and (self._type(case, oddity), f"{oddity.what} {oddity.text}")
                in self.taken_elsewhere
            ):
                return "union"
            for difference in DIFFERENCES:
                if difference.covers(self.version, case.name, oddity):
                    return f"on purpose: {difference.why}"
        return "different"


def counts(verdicts: Iterable[Verdict]) -> dict[str, Counter[str]]:
    """Return how many verdicts of each kind there are, by class."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in verdicts:
        table[verdict.case.name][verdict.kind.partition(":")[0]] += 1
    return table
