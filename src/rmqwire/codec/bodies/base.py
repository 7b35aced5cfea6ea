"""What all JSON bodies share: Java's ``RemotingSerializable`` over msgspec structs.

A body class lists the properties of its Java class under Python names; ``rename`` gives them
Java's spelling back. Four class attributes say what the annotations can't:

``_since_5``   attributes that release 4.9.7 neither has nor writes
``_hidden``    attributes that Java reads but never writes
``_derived``   JSON names that Java writes from a getter, as {name: Python property}
Sets are lists here: they keep the order they came in, as a Java ``HashMap``'s order is kept.

A ``str`` with the default ``""`` stands for a Java string that may be null: it is left out when
empty. Where an empty string means something the type is ``str | None``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
from msgspec import Meta

from rmqwire.codec import java_json
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from rmqwire.codec.json_reader import JsonValue

Int = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
Long = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class Body(msgspec.Struct, rename="camel"):
    """A JSON body, or a part of one."""

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> Self:
        """Read a body of either release.

        Unknown properties are ignored, nulls keep the default, numbers may be quoted.

        Raises:
            BadBody: no JSON object by fastjson's rules, or a property of another type.
        """
        if not java_json.may_refer(data):
            body = cls._decode_strictly(data)
            if body is None and (quoted := java_json.quote_bare_keys(data)) is not None:
                body = cls._decode_strictly(quoted)
            if body is not None:
                return body
        return cls.from_value(java_json.loads(data))

    @classmethod
    def _decode_strictly(cls, data: bytes | bytearray | memoryview) -> Self | None:
        """Read RFC 8259 text in one step; None: fastjson's own spelling, or nonsense."""
        try:
            return _decoder(cls).decode(data)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    @classmethod
    def from_value(cls, value: JsonValue) -> Self:
        """Make a body of what ``java_json.loads`` gave.

        Raises:
            BadBody: not an object, or a property of another type.
        """
        try:
            value = _without_nulls(value)
            try:
                return msgspec.convert(value, cls, strict=False, str_keys=True)
            except msgspec.ValidationError:
                return msgspec.convert(_open_text_keys(value), cls, strict=False, str_keys=True)
        except (msgspec.ValidationError, RecursionError) as error:
            raise BadBody(f"{cls.__name__}: {error}") from None

    def encode(
        self,
        release: Release = DEFAULT_RELEASE,
        *,
        standard: bool = False,
        pretty: bool = False,
    ) -> bytes:
        """Return the text Java's class of that release writes; see ``java_json.dumps``."""
        return java_json.dumps(self, release, standard=standard, pretty=pretty)


@cache
def _decoder(cls: type[Body]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cls, strict=False)


def _without_nulls(value: JsonValue) -> JsonValue:
    """Drop null properties: for Java they leave a field as its constructor made it."""
    if isinstance(value, java_json.ObjectKey):
        return value
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _open_text_keys(value: JsonValue) -> JsonValue:
    """Turn map keys that are an object's text (4.x clients in other languages) into objects."""
    if isinstance(value, dict):
        return {_open_key(key): _open_text_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_open_text_keys(item) for item in value]
    return value


def _open_key(key: JsonValue) -> JsonValue:
    if not isinstance(key, str) or not key.startswith("{"):
        return key
    try:
        opened = java_json.loads(key)
    except BadBody:
        return key
    flat = not any(isinstance(item, (dict, list)) for item in opened.values())
    return java_json.ObjectKey(opened) if flat else key
