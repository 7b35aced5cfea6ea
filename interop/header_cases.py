"""Text fields that a command's own header may be read from: every field with every text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from interop.json_verdicts import ask_java
from rmqwire.codec import headers
from rmqwire.codec.headers import Header
from rmqwire.errors import BadHeader
from tests.support.golden import protocol_table

SERIALIZATIONS = ("JSON", "ROCKETMQ")
TEXTS = [
    "0", "1", "2", "-1", "+1", "01", "1.5", "1,000", "2147483647", "2147483648", "-2147483648",
    "-2147483649", "9223372036854775807", "9223372036854775808", "0x10", "1L", "null", "", "  ",
    " 1", "1 ", "true", "TRUE", "True", "tRuE", "false", "yes", "x", "中文", "\uff11", "-", "+", "--1", "1_0",
    "NaN", "LOWER", "upper", "[]",
]  # fmt: skip
GOOD = {
    "String": "text", "Integer": "7", "int": "7", "Long": "8", "long": "8", "Boolean": "true",
    "boolean": "true", "BoundaryType": "LOWER", "List<PlainAccessConfig>": "[]",
}  # fmt: skip
CHECKED = {"commitOrRollback": "8", "topicFilterType": "SINGLE_TAG"}  # by Java's checkFields
ABSTRACT = {"RpcRequestHeader", "TopicQueueRequestHeader", "TopicRequestHeader"}
FAST = {
    "PullMessageRequestHeader", "PullMessageResponseHeader", "SendMessageRequestHeaderV2",
    "SendMessageResponseHeader",
}  # fmt: skip
RPC_FIELDS = {"ns", "nsd", "bname", "oway", "lo"}
NO_TEXT = {"boundaryType", "plainAccessConfigs"}  # an enum of two, and a list that Java never reads


@dataclass(frozen=True)
class HeaderCase:
    """Text fields for one header class in one serialisation."""

    name: str
    serialization: str
    what: str
    fields: dict[str, str]

    def line(self, version: str) -> str:
        """Return the question to JsonReading.java."""
        data = "\0".join(text for entry in self.fields.items() for text in entry).encode()
        java = protocol_table("headers")["headers"][self.name][version]["class"]
        return f"header\t{java}\t{self.serialization}\t{base64.b64encode(data).decode()}"


def header_cases(version: str) -> Iterator[HeaderCase]:
    """Yield the cases of every header class that a release has."""
    for name, releases in protocol_table("headers")["headers"].items():
        if version in releases and name not in ABSTRACT:
            fields = {f["name"]: f["type"] for f in releases[version]["fields"]}
            for serialization in SERIALIZATIONS:
                for what, texts in _variations(fields):
                    yield HeaderCase(name, serialization, what, texts)


def _variations(types: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    good = {wire: CHECKED.get(wire, GOOD[kind]) for wire, kind in types.items()}
    yield "all", good
    yield "none", {}
    yield "one more", {**good, "zzz": "1"}
    for wire, kind in types.items():
        yield f"no {wire}", {name: text for name, text in good.items() if name != wire}
        yield (
            f"{wire.upper()}",
            {wire.upper() if n == wire else n: text for n, text in good.items()},
        )
        for text in TEXTS if wire not in CHECKED else ["9", "12", "MULTI_TAG"]:
            if kind not in {"BoundaryType", "List<PlainAccessConfig>"}:
                yield f"{wire}={text}", {**good, wire: text}


def our_fields(case: HeaderCase, version: str) -> dict[str, str] | None:
    """Return what our class reads of the fields that the release knows; None: refused.

    A boolean that is absent is None or False, which is the same to everybody.
    """
    cls: type[Header] = getattr(headers, case.name)
    known = protocol_table("headers")["headers"][case.name][version]["fields"]
    try:
        header = cls.decode(case.fields, empty_is_none=case.serialization == "ROCKETMQ")
    except BadHeader:
        return None
    values = {f.encode_name: getattr(header, f.name) for f in msgspec.structs.fields(cls)}
    texts = {f["name"]: values[f["name"]] for f in known if values[f["name"]] is not None}
    return _comparable(case, version, {name: _java_text(value) for name, value in texts.items()})


def _comparable(case: HeaderCase, version: str, texts: dict[str, str]) -> dict[str, str]:
    known = protocol_table("headers")["headers"][case.name][version]["fields"]
    flags = {field["name"] for field in known if field["type"].lower() == "boolean"}
    return {
        name: text
        for name, text in texts.items()
        if name not in NO_TEXT and not (name in flags and text == "false")
    }


def _java_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def java_fields(version: str, cases: list[HeaderCase]) -> list[dict[str, str] | str]:
    """Return what the release's jars read, or the words of its refusal."""
    answers = ask_java(version, [case.line(version) for case in cases])
    return [
        _comparable(case, version, json.loads(answer[1:])) if answer[:1] == "=" else answer[1:]
        for case, answer in zip(cases, answers, strict=True)
    ]


def judge(case: HeaderCase, java: dict[str, str] | str, ours: dict[str, str] | None) -> str:
    """Return how the two readings compare: same, or why they may differ, or different."""
    if isinstance(java, dict) and ours is not None:
        times = {
            name for name, text in java.items() if text == "now" and ours.get(name, "0") == "0"
        }
        java, ours = ({n: t for n, t in one.items() if n not in times} for one in (java, ours))
    if java == ours or (isinstance(java, str) and ours is None):
        return "same"
    if isinstance(java, str):
        if java.endswith(("field wrong", "field invalid", "value invalid")):
            return "on purpose: what Java's class checks, the processor does"
        if case.name in FAST:
            return "on purpose: a number that is none counts as absent everywhere"
    elif ours is None:
        cls: type[Header] = getattr(headers, case.name)
        needed = {f.encode_name for f in msgspec.structs.fields(cls) if f.required}
        if needed - java.keys():
            return "on purpose: null where none may be is refused"
    elif java.items() < ours.items() and ours.keys() - java.keys() <= RPC_FIELDS:
        return "on purpose: what every request inherits is read of SendMessageRequestHeaderV2 too"
    return "different"
