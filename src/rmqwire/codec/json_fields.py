"""From the values of a JSON text to typed bodies, as lenient as fastjson, by the types of the fields.

``reader_of`` makes the function that reads a type, once: scalars by ``json_scalars``, and here

======  ============================================================================================
type    what is taken besides the plain spelling
======  ============================================================================================
list    one value is a list of it; nulls in it are dropped
map     a list of one is its item; keys are read like values; entries without a value are dropped
object  [] is null; unknown names are skipped; fastjson 1 takes names in any case, with ``-`` or
        ``_`` anywhere, and ``is`` before a boolean's
null    the field stays as it was made; for fastjson 2 a plain number or boolean becomes 0 or false
======  ============================================================================================

Lists of text differ most: in the place of a Set both take a text or an object for its item, and
refuse numbers; in the place of a List 4.9.7 takes anything, and 5.5.0 makes nothing of all but text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, AnyStr, Final, Union, get_args, get_origin

import msgspec

from rmqwire.codec import java_json
from rmqwire.codec.java_enums import ENUM_NAMES
from rmqwire.codec.java_types import CONCURRENT_MAP, SET, Int, Long
from rmqwire.codec.json_reader import JsonValue
from rmqwire.codec.json_scalars import (
    KEEP,
    enum_reader,
    is_null,
    is_one,
    is_text,
    read_anything,
    read_boolean,
    read_double,
    read_octets,
    read_text,
    read_whole,
    shape,
)
from rmqwire.errors import BadBody, BadField

Reader = Callable[[JsonValue], Any]
"""Returns the typed value of a JSON value, or ``KEEP`` for null; raises ``BadField``."""

_SCALARS: Final[dict[object, Callable[..., object]]] = {
    bool: read_boolean,
    str: read_text,
    bytes: read_octets,
}
_ALIKE: Final[dict[object, Reader]] = {  # for both releases
    Int: partial(read_whole, bits=32),
    Long: partial(read_whole, bits=64),
    float: read_double,
    Any: read_anything,
}
_NAME = re.compile(rb'"([A-Za-z_-][\w-]*)"\s*:')
_PRIMITIVE_NULLS: Final[dict[object, object]] = {Int: 0, Long: 0, float: 0.0, bool: False}


def read_body(cls: type[msgspec.Struct], value: JsonValue, fastjson: int) -> object:
    """Make a body of what ``java_json.loads_spelled`` gave.

    Raises:
        BadField: names the field and what stands there.
        BadBody: nested too deeply.
    """
    try:
        body = KEEP if isinstance(value, list) else struct_reader(cls, fastjson)(value)
    except BadField as fault:
        raise fault.below(cls.__name__) from None
    except RecursionError:
        raise BadBody(f"{cls.__name__}: nested too deeply") from None
    if body is KEEP:
        raise BadField(shape(value), "an object", cls.__name__)
    return body


def names_loosely(cls: type[msgspec.Struct], data: bytes | bytearray | memoryview) -> bool:
    """Return whether a text may hold a name that is a field's for fastjson 1 alone."""
    exact, loose = _names_within(cls)
    return any(_loose(name) in loose for name in set(_NAME.findall(data)) - exact)


@cache
def _names_within(cls: type[msgspec.Struct]) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Return the names of a class and of all that it holds: as they are, and as ``_loose`` has them."""
    readers, found = [cls], {cls}
    exact, loose = set(), set()
    while readers:
        for field in msgspec.structs.fields(readers.pop()):
            name = field.encode_name.encode()
            exact.add(name)
            loose |= {_loose(name), b"is" + _loose(name)}
            for held in _structs_in(field.type) - found:
                found.add(held)
                readers.append(held)
    return frozenset(exact), frozenset(loose)


def _structs_in(kind: object) -> set[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {kind}
    return {held for arg in get_args(kind) for held in _structs_in(arg)}


def reader_of(kind: object, fastjson: int) -> Reader:
    """Return the reader of any type that a field of a body has."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        (kind,) = (one for one in args if one is not NoneType)
        return reader_of(kind, fastjson)
    if origin in {list, dict, tuple}:
        return _container_reader(kind, fastjson, "")
    if origin is Annotated and args[1] in {SET, CONCURRENT_MAP}:
        return _container_reader(args[0], fastjson, args[1])
    if origin is Annotated and args[0] is str:
        return enum_reader(args[1].extra[ENUM_NAMES], fastjson)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return struct_reader(kind, fastjson)
    return _ALIKE.get(kind) or partial(_SCALARS[kind], fastjson=fastjson)


def _container_reader(kind: object, fastjson: int, java: str) -> Reader:
    first, *others = get_args(kind)
    if get_origin(kind) is not dict:
        read = reader_of(first, fastjson)
        read_list = partial(
            _read_list, read=read, read_one=_one_reader(first, read, fastjson, java)
        )
        return _tuple_reader(read_list) if others else read_list
    read_key, read = _key_reader(first, fastjson), reader_of(others[0], fastjson)
    return partial(_read_map, read_key=read_key, read=read, nulls=java != CONCURRENT_MAP)


# ---- objects ----------------------------------------------------------------------------------


@cache
def struct_reader(cls: type[msgspec.Struct], fastjson: int) -> Reader:
    """Return the reader of a body class."""
    return _StructReader(cls, fastjson)


class _StructReader:
    """Reads one body class; its plan is made at its first use."""

    __slots__ = ("cls", "fastjson", "fields", "loose_names", "nulls")

    def __init__(self, cls: type[msgspec.Struct], fastjson: int) -> None:
        self.cls = cls
        self.fastjson = fastjson
        self.fields: dict[JsonValue, tuple[str, Reader]] = {}  # JSON name -> attribute, reader
        self.loose_names: dict[str, str] = {}  # for fastjson 1
        self.nulls: dict[str, object] = {}  # attribute -> what null makes of it, if anything

    def plan(self) -> None:
        for field in msgspec.structs.fields(self.cls):
            name = field.encode_name
            self.fields[name] = (field.name, reader_of(field.type, self.fastjson))
            if self.fastjson == 1:
                self.loose_names[_loose(name)] = name
                if field.type in (bool, bool | None):
                    self.loose_names.setdefault(f"is{_loose(name)}", name)
            elif field.type in _PRIMITIVE_NULLS:
                self.nulls[field.name] = _PRIMITIVE_NULLS[field.type]
            if NoneType in get_args(field.type):
                self.nulls[field.name] = None

    def __call__(self, value: JsonValue) -> object:
        if not self.fields:
            self.plan()
        if not isinstance(value, dict):
            return self.other(value)
        values: dict[str, Any] = {}
        for key, item in value.items():
            attribute, read = self.fields.get(key) or self.loosely(key, values)
            try:
                made = read(item)
            except BadField as fault:
                raise fault.below(f".{key}") from None
            if made is not KEEP:
                values[attribute] = made
            elif attribute in self.nulls:
                values[attribute] = self.nulls[attribute]
        return self.cls(**values)

    def loosely(self, key: JsonValue, known: dict[str, Any]) -> tuple[str, Reader]:
        """Return the field whose name fastjson 1 finds in another spelling, unless it came already."""
        name = self.loose_names.get(_loose(str(key)))
        if name is None or self.fields[name][0] in known:
            return "", _skip
        return self.fields[name]

    def other(self, value: JsonValue) -> object:
        if is_null(value) or value == []:
            return KEEP
        raise BadField(shape(value), "an object")


def _loose(name: AnyStr) -> AnyStr:
    """Return what fastjson 1 compares of a name that is not exactly a field's."""
    if isinstance(name, bytes):
        return name.translate(None, b"_-").lower()
    return name.replace("_", "").replace("-", "").lower()


def _skip(_value: JsonValue) -> object:
    return KEEP


# ---- lists and maps ---------------------------------------------------------------------------


def _read_list(value: JsonValue, read: Reader, read_one: Reader) -> object:
    if value is None or value == "":
        return KEEP
    if not isinstance(value, list):
        return read_one(value)
    items = []
    for number, item in enumerate(value):
        try:
            made = read(item)
        except BadField as fault:
            raise fault.below(f"[{number}]") from None
        if made is not KEEP:
            items.append(made)
    return items


def _tuple_reader(read: Reader) -> Reader:
    def read_tuple(value: JsonValue) -> object:
        made = read(value)
        return KEEP if made is KEEP else tuple(made)

    return read_tuple


def _one_reader(item: object, read: Reader, fastjson: int, java: str) -> Reader:
    """Return the reader of a single value where a list belongs."""

    def read_one(value: JsonValue) -> object:
        made = read(value)
        return KEEP if made is KEEP else [made]

    def read_text_of_set(value: JsonValue) -> object:
        if is_text(value) or isinstance(value, dict):
            return [read(value)]
        raise BadField(shape(value), "a list")

    def read_text_of_list(value: JsonValue) -> object:
        return [value] if is_text(value) and value != "null" else KEEP

    if item is not str:
        return read_one
    if java == SET:
        return read_text_of_set
    return read_one if fastjson == 1 else read_text_of_list


def _read_map(value: JsonValue, read_key: Reader, read: Reader, *, nulls: bool) -> object:
    if is_null(value):
        return KEEP
    if is_one(value) and isinstance(value[0], dict):
        return _read_map(value[0], read_key, read, nulls=nulls)
    if not isinstance(value, dict):
        raise BadField(shape(value), "a map")
    entries = {}
    for key, item in value.items():
        try:
            name, made = read_key(key), read(item)
        except BadField as fault:
            raise fault.below(f"[{key!r:.60}]") from None
        if name is not KEEP and made is not KEEP:
            entries[name] = made
        elif not nulls:
            raise BadField(shape(None), "a key and a value").below(f"[{key!r:.60}]")
    return entries


def _key_reader(kind: object, fastjson: int) -> Reader:
    """Return the reader of keys; an object may stand there as text (4.x, other languages' clients)."""
    read = reader_of(kind, fastjson)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return read

    def read_object(key: JsonValue) -> object:
        if not is_text(key) or not key.startswith("{"):
            return read(key)
        try:
            return read(java_json.loads_spelled(key))
        except BadBody:
            raise BadField(shape(key), "an object") from None

    return read_object
