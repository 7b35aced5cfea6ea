"""Write ``src/rmqwire/codec/headers/`` from the recorded protocol tables.

Usage: ``python tools/gen_headers.py`` (``--check`` only compares, exit 1 when they differ).
``base.py`` is written by hand; every other file of the folder comes from here.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "tests" / "data" / "protocol"
HEADERS = ROOT / "src" / "rmqwire" / "codec" / "headers"
OLD, NEW = "4.9.7", "5.5.0"
NEWEST = "5.5.1"  # of which only what it added is recorded
LINE_LENGTH = 100

# family -> (what the module holds, pattern of its class names); the first pattern that fits decides.
FAMILIES = {
    "rpc": ("fields that requests inherit", r"(Rpc|Topic|TopicQueue)RequestHeader"),
    "filtersrv": ("filter servers (4.9)", r"RegisterFilter.*|RegisterMessageFilter.*"),
    "lite": ("lite topics (5.x)", r".*Lite.*|GetParentTopicInfo.*"),
    "transaction": ("transactions", r".*Transaction.*|ResumeCheckHalf.*"),
    "send": ("sending and recalling", r"(Send|Reply|Recall|ConsumerSendMsgBack).*"),
    "pop": ("popping", r"(Pop|Ack|ChangeInvisible|Peek|Polling|Notification).*"),
    "pull": (
        "pulling and looking up messages",
        r"(Pull|QueryMessage|ViewMessage|QueryConsumeQueue).*",
    ),
    "offset": (
        "offsets",
        r".*(Offset|EarliestMsgStoretime|ConsumeTimeSpan)(Request|Response)?Header",
    ),
    "client": (
        "clients, groups and locks",
        (
            r"(Heartbeat|Unregister|NotifyConsumer|(Un)?[Ll]ockBatch|GetConsumer(List|Running|Conn)|Consume).*"
            r"|Get(Producer|AllProducer|ConsumerStatus).*|(UnlockBatch|LockBatch).*|QueryTopicConsumeBy.*"
            r"|Query(Topics|Subscription)ByConsumer.*"
        ),
    ),
    "acl": ("users and permissions", r".*(Acl|Acls|User|Users|AccessConfig|WhiteAddrs).*"),
    "controller": (
        "the controller",
        (
            r"(AlterSync|ElectMaster|GetMetaData|GetReplicaInfo|CleanController|ApplyBroker|GetNextBroker"
            r"|RegisterBrokerToController|BrokerClose|CheckNotActive|GetBrokerLive|GetSyncState|RaftBroker"
            r"|NotifyBrokerRole).*"
        ),
    ),
    "ha": ("brokers of one group", r".*(HAInfo|MinBrokerId|BrokerMember|AddBroker|RemoveBroker).*"),
    "namesrv": (
        "the name server",
        (
            r".*(KV|RouteInfo|WritePerm|RegisterBroker|UnRegister|DataVersion|FromNamesrv|OrderTopic"
            r"|RegisterTopic|BrokerHeartbeat|TopicsByCluster).*"
        ),
    ),
    "group": ("subscription groups", r".*(SubscriptionGroup|GroupForbidden|CloneGroup).*"),
    "admin": ("topics, statistics and the broker itself", r".*"),
}
TYPES = {
    "String": "str",
    "Integer": "Int",
    "Long": "Long",
    "Boolean": "bool",
    "int": "Int",
    "long": "Long",
    "boolean": "bool",
    "BoundaryType": "str",
    "List<PlainAccessConfig>": "str",
}
# CFNotNull, and yet Java's servers do all of the request without them: interop/test_missing_fields.py
# leaves each field of each request out before both releases.
NEVER_MISSED = {
    "SendMessageRequestHeader": {"producerGroup", "defaultTopic", "defaultTopicQueueNums"},
    "SendMessageRequestHeaderV2": {"a", "c", "d"},
    "PullMessageRequestHeader": {"commitOffset", "suspendTimeoutMillis", "subVersion"},
    "UnregisterClientRequestHeader": {"clientID"},
    "CreateTopicRequestHeader": {"defaultTopic"},
    "RegisterBrokerRequestHeader": {"haServerAddr"},
    "QueryDataVersionRequestHeader": {"brokerName", "brokerId"},
    "GetBrokerMemberGroupRequestHeader": {"clusterName"},
}
PRIMITIVE_DEFAULTS = {"int": "0", "long": "0", "boolean": "False"}


def load(name: str) -> Any:
    """Read one of the recorded tables."""
    return json.loads((TABLES / name).read_text("utf-8"))


def java_hash(text: str) -> int:
    """Return Java's ``String.hashCode`` as an unsigned number."""
    data = text.encode("utf-16-be")
    value = 0
    for index in range(0, len(data), 2):
        value = (31 * value + int.from_bytes(data[index : index + 2], "big")) & 0xFFFFFFFF
    return value


def bucket(value: int, capacity: int = 16) -> int:
    """Return the bucket of a hash in a Java HashMap."""
    return (value ^ (value >> 16)) & (capacity - 1)


def snake(name: str) -> str:
    """Turn a Java field name into an attribute name."""
    return re.sub(
        r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])",
        lambda match: "_" + (match[1] or match[2]),
        name,
    ).lower()


def camel(name: str) -> str:
    """Turn an attribute name into the wire name that the base class derives from it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class HeaderTable:
    """The recorded header classes, both releases joined into one definition per class."""

    def __init__(self) -> None:
        tables = load("headers.json")
        self.headers: dict[str, dict[str, Any]] = tables["headers"]
        self.added: dict[str, list[dict[str, Any]]] = tables["added"][NEWEST]
        self.letters: dict[str, str] = {
            letter: name.split()[0]
            for letter, name in tables["SendMessageRequestHeaderV2_to_V1"].items()
        }
        self.orders = load("header_order.json")
        self.codes = load("request_codes.json")["codes"]

    def leading(self, name: str) -> str:
        """Return the release whose definition leads: 5.5.0 where it has the class."""
        return NEW if NEW in self.headers[name] else OLD

    def parent(self, name: str) -> str:
        """Return the class that this one extends in Python."""
        return self.headers[name][self.leading(name)].get("extends") or "Header"

    def own_fields(self, name: str) -> list[dict[str, Any]]:
        """Return the fields that the class adds itself, in Java's order of declaration."""
        releases = self.headers[name]
        rows = [f for f in releases[self.leading(name)]["fields"] if not f.get("inherited_from")]
        known = {f["name"] for f in releases[self.leading(name)]["fields"]}
        rows += [f for f in releases.get(OLD, {"fields": []})["fields"] if f["name"] not in known]
        return rows + self.added.get(name, [])

    def required(self, name: str, field: str) -> bool:
        """Whether every release that has the class calls the field CFNotNull and can tell that it
        is missing: a primitive is 0 then, or false, and some fields have a value from the start.
        """
        if field in NEVER_MISSED.get(name, ()):
            return False
        made = self.orders[self.leading(name)].get(name, {}).get("defaults", {})
        return field not in made and all(
            any(
                f["name"] == field
                and "CFNotNull" in f.get("annotations", ())
                and f["type"] not in PRIMITIVE_DEFAULTS
                for f in release["fields"]
            )
            for release in self.headers[name].values()
        )

    def only_in(self, name: str, field: str) -> str | None:
        """Return the one release of two that knows the field, None when it is no difference."""
        if any(f["name"] == field for f in self.added.get(name, ())):
            return NEWEST
        holders = [
            version
            for version, release in self.headers[name].items()
            if any(f["name"] == field for f in release["fields"])
        ]
        return holders[0] if len(holders) == 1 and len(self.headers[name]) == 2 else None

    def default(self, name: str, field: dict[str, Any]) -> str:
        """Return the source of the default value of an optional field."""
        made = self.orders[self.leading(name)].get(name, {}).get("defaults", {})
        if field["name"] not in made:
            return PRIMITIVE_DEFAULTS.get(field["type"], "None")
        text = made[field["name"]]
        kind = TYPES[field["type"]]
        return json.dumps(text) if kind == "str" else text.capitalize() if kind == "bool" else text

    def attribute(self, name: str, field: str) -> str:
        """Return the attribute name of a field."""
        if name == "SendMessageRequestHeaderV2" and field in self.letters:
            return snake(self.letters[field])
        return snake(field)

    def insertion_order(self, name: str) -> list[str] | None:
        """Return the order in which Java puts the fields into its map, where it can be seen.

        Java walks a HashSet of reflected fields. The order shows only between fields of one bucket;
        None when own fields before inherited ones gives the same picture.
        """
        release = self.leading(name)
        fields = self.headers[name][release]["fields"]
        owner = {f["name"]: f.get("inherited_from") or name for f in fields}
        plain = sorted(owner, key=lambda field: owner[field] != name)
        hashes = {
            field: java_hash(f"org.apache.rocketmq.{self.headers[holder][release]['class']}")
            ^ java_hash(field)
            for field, holder in owner.items()
        }
        capacity = 16
        while len(plain) > capacity * 3 // 4:
            capacity *= 2
        walked = sorted(plain, key=lambda field: bucket(hashes[field], capacity))
        seen = [
            (first, second)
            for index, first in enumerate(walked)
            for second in walked[index + 1 :]
            if bucket(java_hash(first)) == bucket(java_hash(second))
        ]
        if all(plain.index(first) < plain.index(second) for first, second in seen):
            return None
        return walked

    def used_by(self, name: str, column: str) -> list[str]:
        """Return the requests that name the class in a column, as ``NAME (code)``."""
        used = []
        for row in self.codes:
            actions = row.get(f"{NEW}_RocketMQAction_header") or []
            named = (row[column] or "").split(" ")[0]
            if named == name or (column == "request_header" and not named and name in actions):
                used.append(f"{row['name']} ({row['value']})")
        return used


def docstring(table: HeaderTable, name: str) -> str:
    """Say who uses the class and which release has it."""
    asks, answers = table.used_by(name, "request_header"), table.used_by(name, "response_header")
    releases = table.headers[name]
    if asks:
        text = f"Ask {', '.join(asks)}."
    elif answers:
        text = f"Answer {', '.join(answers)}."
    elif any(release.get("abstract") for release in releases.values()):
        text = "Fields that request headers inherit."
    else:
        text = "Declared by RocketMQ without a request of its own."
    if len(releases) == 1:
        text += f" Only {next(iter(releases))}."
    if len(text) + 10 <= LINE_LENGTH:
        return f'    """{text}"""'
    summary, rest = text.split(" ", 1)
    wrapped = textwrap.wrap(rest, LINE_LENGTH - 4)
    verb = "Ask one" if summary == "Ask" else "Answer one"
    lines = [
        f'    """{verb} of several requests.',
        "",
        *[f"    {line}" for line in wrapped],
        '    """',
    ]
    return "\n".join(lines)


def field_source(table: HeaderTable, name: str, field: dict[str, Any]) -> str:
    """Return the source line of one field."""
    wire, kind = field["name"], TYPES[field["type"]]
    attribute = table.attribute(name, wire)
    default = None if table.required(name, wire) else table.default(name, field)
    type_text = f"{kind} | None" if default == "None" else kind
    line = f"    {attribute}: {type_text}"
    if camel(attribute) != wire:
        line += f' = field(name="{wire}"' + (f", default={default})" if default else ")")
    elif default is not None:
        line += f" = {default}"
    only = table.only_in(name, wire)
    return line + (f"  # {only} only" if only else "")


def names_source(constant: str, names: list[str]) -> list[str]:
    """Return the source of a class constant holding wire names, blank-separated."""
    line = f'    {constant}: ClassVar[str] = "{" ".join(names)}"'
    if len(line) <= LINE_LENGTH:
        return [line]
    pieces = textwrap.wrap(" ".join(names), LINE_LENGTH - 12)
    parts = [f'        "{piece} "' for piece in pieces[:-1]]
    return [f"    {constant}: ClassVar[str] = (", *parts, f'        "{pieces[-1]}"', "    )"]


def class_source(table: HeaderTable, name: str) -> str:
    """Return the source of one class."""
    lines = [f"class {name}({table.parent(name)}, kw_only=True):", docstring(table, name)]
    order = table.insertion_order(name)
    fast = table.orders[table.leading(name)].get(name, {}).get("fast")
    fields = [field_source(table, name, field) for field in table.own_fields(name)]
    constants: list[str] = []
    if order:
        constants += names_source("java_insertion", order)
    if fast:
        constants += names_source("fast_order", fast)
    for block in (constants, fields):
        if block:
            lines += ["", *block]
    return "\n".join(lines) + "\n"


def family_of(name: str) -> str:
    """Return the module of a class."""
    return next(family for family, (_, pattern) in FAMILIES.items() if re.fullmatch(pattern, name))


def module_source(table: HeaderTable, family: str, names: list[str]) -> str:
    """Return the text of one family's module."""
    classes = [class_source(table, name) for name in names]
    text = "\n\n".join(classes)
    parents = sorted({table.parent(name) for name in names} - {"Header", *names})
    base = [
        item
        for item, used in (
            ("Header", "(Header," in text),
            ("Int", re.search(r": Int\b", text)),
            ("Long", re.search(r": Long\b", text)),
        )
        if used
    ]
    lines = [
        f'"""Headers about {FAMILIES[family][0]}. Written by ``tools/gen_headers.py``."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    if "ClassVar" in text:
        lines += ["from typing import ClassVar", ""]
    if "field(" in text:
        lines += ["from msgspec import field", ""]
    if base:
        lines.append(f"from rmqwire.codec.headers.base import {', '.join(base)}")
    if parents:
        lines.append(f"from rmqwire.codec.headers.rpc import {', '.join(parents)}")
    return "\n".join(lines).rstrip() + "\n\n\n" + text


def ordered(table: HeaderTable, names: list[str]) -> list[str]:
    """Put a class behind the one it extends, else keep the table's order."""
    return sorted(names, key=lambda name: _depth(table, name))


def _depth(table: HeaderTable, name: str) -> int:
    parent = table.parent(name)
    return (
        0
        if parent == "Header" or family_of(name) != family_of(parent)
        else 1 + _depth(table, parent)
    )


def registry_source(table: HeaderTable) -> str:
    """Return the text of the tables request code -> header class."""
    text = [
        (
            '"""Which header a request and its answer carry. Written by ``tools/gen_headers.py``."""\n\n'
            "from __future__ import annotations\n\n"
            "from typing import TYPE_CHECKING\n\n"
            "from rmqwire.codec import headers as h\n\n"
            "if TYPE_CHECKING:\n"
            "    from rmqwire.codec.headers.base import Header\n"
        )
    ]
    for constant, column in (
        ("REQUEST_HEADERS", "request_header"),
        ("RESPONSE_HEADERS", "response_header"),
    ):
        text.append(f"\n{constant}: dict[int, type[Header]] = {{\n")
        for row in sorted(table.codes, key=lambda row: row["value"]):
            named = (row[column] or "").split(" ")[0]
            actions = row.get(f"{NEW}_RocketMQAction_header") or []
            name = named or (actions[0] if column == "request_header" and actions else "")
            if name in table.headers:
                text.append(f"    {row['value']}: h.{name},  # {row['name']}\n")
        text.append("}\n")
    return "".join(text)


def package_source(families: dict[str, list[str]]) -> str:
    """Return the text of ``__init__.py``."""
    modules = sorted({**families, "base": ["Header"]}.items())
    lines = [
        '"""Typed custom headers under RocketMQ\'s class names. Written by ``tools/gen_headers.py``.\n',
        "RocketMQ: every ``CommandCustomHeader``. One definition serves both releases: a field is required",
        "where every release that has the class requires it; a comment names the release that alone has it.",
        '"""\n',
        "from __future__ import annotations\n",
        "from typing import TYPE_CHECKING\n",
        "from rmqwire.codec.exports import homes, importer\n",
        "if TYPE_CHECKING:",
        *[f"    from rmqwire.codec.headers.{family} import *" for family, _ in modules],
        "\n_HOME = homes(",
        "    {",
    ]
    for family, members in modules:
        lines += [f'        "{family}": """', *[f"            {name}" for name in sorted(members)]]
        lines.append('        """,')
    lines += ["    }", ")", "__all__ = [*_HOME]"]
    lines.append("__getattr__ = importer(globals(), _HOME)\n")
    return "\n".join(lines)


def sources() -> dict[Path, str]:
    """Return every file this generator owns with its text."""
    table = HeaderTable()
    families: dict[str, list[str]] = {}
    for name in table.headers:
        families.setdefault(family_of(name), []).append(name)
    files = {
        HEADERS / f"{family}.py": module_source(table, family, ordered(table, names))
        for family, names in families.items()
    }
    files[HEADERS / "registry.py"] = registry_source(table)
    files[HEADERS / "__init__.py"] = package_source(families)
    return files


def main() -> int:
    """Write the files, or compare them with ``--check``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    HEADERS.mkdir(exist_ok=True)
    stale = 0
    for path, text in sources().items():
        if check:
            stale += path.read_text("utf-8") != text
        else:
            path.write_text(text, "utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
