"""What our reader makes of a JSON text, in a form that Java's answer can be held against."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from rmqwire.codec import bodies, java_json
from rmqwire.codec.bodies import Body
from rmqwire.codec.codes import LANGUAGE_NAMES
from rmqwire.codec.header_json import decode_json_header
from rmqwire.codec.release import Release
from rmqwire.errors import BadBody, BadHeader

RECORDED = Path(__file__).parent.parent / "data/json_reading"  # by interop/record_json_reading.py
COMMAND = "RemotingCommand"  # the header of every command, which is no body
RENAMED = {
    "PlainAccessData.DataVersion": "PlainAccessDataVersion",
    "ConsumerOffsetManager": "ConsumerOffsetTable",
    "TopicConfigManager": "TopicConfigSerializeWrapper",
    "SubscriptionGroupManager": "SubscriptionGroupWrapper",
    "TimerMetrics": "TimerMetricsSerializeWrapper",
}
DERIVED = {
    name for body in bodies.__all__ for name in getattr(getattr(bodies, body), "_derived", ())
}


def body_class(name: str) -> type[Body]:
    """Return our class for a class of Java's."""
    return getattr(bodies, RENAMED.get(name, name.rsplit(".", maxsplit=1)[-1]))


def our_reading(name: str, data: bytes, release: Release) -> str | None:
    """Return the value that we read, as canonical text; None: refused."""
    try:
        if name == COMMAND:
            return canonical_text(command_fields(data))
        body = body_class(name).decode(data, release)
    except (BadBody, BadHeader):
        return None
    return canonical_text(java_json.loads(body.encode(release)))


def command_fields(data: bytes) -> dict[str, Any]:
    """Return the fields of a command's header as Java names them."""
    code, language, version, opaque, flag, remark, ext_fields = decode_json_header(data)
    return {
        "code": code,
        "language": None if language is None else LANGUAGE_NAMES[language],
        "version": version,
        "opaque": opaque,
        "flag": flag,
        "remark": remark,
        "extFields": ext_fields,
    }


def recorded_readings(version: str) -> list[tuple[str, bytes, str | None]]:
    """Return (class, text, the value that the release's jars read or None) of each recorded case."""
    lines = gzip.decompress((RECORDED / f"{version}.jsonl.gz").read_bytes()).splitlines()
    return [(name, text.encode(), value) for name, text, value in map(json.loads, lines)]


def canonical_text(value: Any) -> str:
    """Return a value as text in which everything equal is equal.

    Null, empty text, empty lists and empty maps are left out: ours are what Java's nulls become.
    Lists are sorted without what stands twice, for many of them are Java's sets. Text that a getter
    makes of other fields is left out.
    """
    return json.dumps(_canonical(value), sort_keys=True, ensure_ascii=False)


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        entries = {_key(key): _canonical(item) for key, item in value.items() if key not in DERIVED}
        return {key: item for key, item in entries.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        items = [_canonical(item) for item in value if item is not None]
        return [json.loads(text) for text in sorted({json.dumps(i, sort_keys=True) for i in items})]
    return value


def _key(key: Any) -> str:
    return json.dumps(key, sort_keys=True) if isinstance(key, dict) else str(key)
