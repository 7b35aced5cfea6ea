"""JSON as RocketMQ speaks it: fastjson's dialect, both ways, for both releases.

``loads`` first tries msgspec (strict RFC 8259, in C) and falls back to the tolerant reader;
references (``{"$ref":"$.brokerDatas[0]"}``, written by fastjson 1) are resolved in both.
``dumps`` writes the text that Java's ``RemotingSerializable.encode`` of that release writes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rmqwire.codec.json_reader import JsonValue, ObjectKey, Spelled, read_tolerant
from rmqwire.codec.json_writer import Written, java_double, write, write_entry
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ObjectKey",
    "Written",
    "dumps",
    "java_double",
    "loads",
    "quote_bare_keys",
    "write_entry",
]

MAX_REFERENCED_NODES: Final = 200_000  # values that references may add to one body
_STEP = re.compile(r"\[(\d+)\]|\.((?:\\.|[^.\[\\])+)")
_BARE_KEY = re.compile(rb"([{,]\s*)(-?\d+)(\s*:)")
_decode = msgspec.json.Decoder().decode
_decode_spelled = msgspec.json.Decoder(float_hook=Spelled).decode


def loads(data: bytes | bytearray | memoryview | str) -> JsonValue:
    """Return the value of a JSON text by fastjson's rules.

    An object used as a map key comes as :class:`ObjectKey`, a bare integer key as ``int``.

    Args:
        data: the text, UTF-8 when it is bytes.

    Raises:
        BadBody: not JSON by any of fastjson's rules, not UTF-8, nested too deep, a number out
            of range, or references that contain themselves.
    """
    return _loads(data, _decode, float)


def loads_spelled(data: bytes | bytearray | memoryview | str) -> JsonValue:
    """Do the same, with each number that has a fraction or an exponent as :class:`Spelled`."""
    return _loads(data, _decode_spelled, Spelled)


def _loads(
    data: bytes | bytearray | memoryview | str,
    decode: Callable[[bytes | bytearray | memoryview | str], JsonValue],
    fraction: Callable[[str], JsonValue],
) -> JsonValue:
    try:
        value = decode(data)
    except RecursionError:
        raise BadBody("nested too deeply") from None
    except (msgspec.DecodeError, UnicodeError):
        value = read_tolerant(as_text(data), fraction)
    return _resolve_references(value) if may_refer(data) else value


def dumps(
    value: JsonValue,
    release: Release = DEFAULT_RELEASE,
    *,
    standard: bool = False,
    pretty: bool = False,
) -> bytes:
    """Return the JSON text Java would write, as UTF-8.

    Args:
        value: bodies, dicts, lists, strings, numbers, ``None``; sets come out sorted.
        release: whose fields, escapes and references.
        standard: integer keys quoted, maps sorted, longs beyond 2^53 as strings
            (fastjson ``BrowserCompatible``, the route answer of newer clients).
        pretty: with tabs and lines as the files under ``store/config`` are.

    Raises:
        UsageError: a value that has no JSON text.
    """
    text = write(value, release, standard=standard, pretty=pretty)
    return text.encode("utf-8", "replace")


def as_text(data: bytes | bytearray | memoryview | str) -> str:
    """Return ``data`` as text.

    Raises:
        BadBody: bytes that are not UTF-8.
    """
    if isinstance(data, str):
        return data
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise BadBody("the body is not UTF-8", error.start) from None


def quote_bare_keys(data: bytes | bytearray | memoryview) -> bytes | None:
    """Put quotes around integer keys, for readers that know the type of their keys.

    Tables of offsets are all such keys: this way they are read at the strict reader's speed.

    Returns:
        the same text in RFC 8259's spelling of keys, or None when strings hold escapes, so that
        their ends are not told by the quotes alone.
    """
    text = bytes(data)
    if b"\\" in text:
        return None
    pieces = text.split(b'"')
    pieces[::2] = [_BARE_KEY.sub(rb'\1"\2"\3', piece) for piece in pieces[::2]]
    return b'"'.join(pieces)


def may_refer(data: bytes | bytearray | memoryview | str) -> bool:
    """Return whether the text may hold a reference at all."""
    if isinstance(data, str):
        return "$ref" in data
    return b"$ref" in bytes(data)


def _resolve_references(root: JsonValue) -> JsonValue:
    try:
        return _References(root).resolve(root)[0]
    except RecursionError:
        raise BadBody("references nested too deeply") from None


class _References:
    """Replaces each ``{"$ref": path}`` by what stands there, once, with a limit on the growth."""

    __slots__ = ("added", "done", "open", "root")

    def __init__(self, root: JsonValue) -> None:
        self.root = root
        self.done: dict[int, int] = {}  # id of a container -> values in it
        self.open: set[int] = set()
        self.added = 0

    def resolve(self, node: JsonValue) -> tuple[Any, int]:
        if not isinstance(node, (dict, list)):
            return node, 1
        if id(node) in self.done:
            return node, self.done[id(node)]
        if id(node) in self.open:
            raise BadBody("a reference that contains itself")
        self.open.add(id(node))
        result, size = self.target(node) if _is_reference(node) else self.children(node)
        self.open.discard(id(node))
        if result is node:
            self.done[id(node)] = size
        return result, size

    def children(self, node: dict[Any, Any] | list[Any]) -> tuple[Any, int]:
        size = 1
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(item, (dict, list)):
                node[key], added = self.resolve(item)
                size += added
        return node, size

    def target(self, node: JsonValue) -> tuple[Any, int]:
        found, size = self.resolve(self.find(node["$ref"]))
        self.added += size
        if self.added > MAX_REFERENCED_NODES:
            raise BadBody(f"references add more than {MAX_REFERENCED_NODES} values")
        return found, size

    def find(self, path: str) -> JsonValue:
        if path in {"@", "..", "$"}:
            raise BadBody("a reference that contains itself")
        value, end = self.root, 1
        while end < len(path) and path.startswith("$"):
            step = _STEP.match(path, end)
            if step is None:
                return None
            value = _child(value, step)
            end = step.end()
        return value if path.startswith(("$.", "$[")) else None


def _is_reference(node: JsonValue) -> bool:
    return isinstance(node, dict) and len(node) == 1 and isinstance(node.get("$ref"), str)


def _child(value: JsonValue, step: re.Match[str]) -> JsonValue:
    if step[1] is None:
        name = re.sub(r"\\(.)", r"\1", step[2])
        return value.get(name) if isinstance(value, dict) else None
    index = step[1][:10]
    if isinstance(value, list):
        return value[int(index)] if int(index) < len(value) else None
    return value.get(int(index), value.get(index)) if isinstance(value, dict) else None
