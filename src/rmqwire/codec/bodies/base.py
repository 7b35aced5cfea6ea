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
from typing import Any, Self

import msgspec

from rmqwire.codec import java_json
from rmqwire.codec.java_types import ConcurrentMapOf, Int, Long, SetOf
from rmqwire.codec.json_fields import names_loosely, read_body
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.errors import BadBody

__all__ = ["Body", "ConcurrentMapOf", "Int", "Long", "SetOf"]


class Body(msgspec.Struct, rename="camel"):
    """A JSON body, or a part of one."""

    @classmethod
    def decode(
        cls, data: bytes | bytearray | memoryview, release: Release = DEFAULT_RELEASE
    ) -> Self:
        """Read a body as Java's ``RemotingSerializable.decode`` of that release does.

        What is spelled as the types here are takes one step; the rest goes through ``json_fields``.

        Raises:
            BadBody: no JSON object by fastjson's rules, or a field of another type, which is named.
        """
        text: bytes | bytearray | memoryview = data
        fastjson = release.wire.fastjson
        if not java_json.may_refer(data) and not (fastjson == 1 and names_loosely(cls, data)):
            body = cls._decode_strictly(data)
            if body is None and (quoted := java_json.quote_bare_keys(data)) is not None:
                body, text = cls._decode_strictly(quoted), quoted
            if body is not None:
                return body
        made = read_body(cls, java_json.loads_spelled(text), fastjson)
        assert isinstance(made, cls)
        return made

    @classmethod
    def _decode_strictly(cls, data: bytes | bytearray | memoryview) -> Self | None:
        """Read RFC 8259 text in one step; None: another spelling, or nonsense."""
        try:
            return _decoder(cls).decode(data)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    @classmethod
    def decode_list(
        cls, data: bytes | bytearray | memoryview, release: Release = DEFAULT_RELEASE
    ) -> list[Self]:
        """Read an array of bodies (``RemotingSerializable.decodeList``); nothing at all is none.

        Raises:
            BadBody: it is no array, or one of them can't be read.
        """
        if bytes(data) in {b"", b"null"}:
            return []
        values = java_json.loads(data)
        if not isinstance(values, list):
            raise BadBody(f"not a list: {bytes(data[:80])!r}")
        return [cls.decode(java_json.dumps(one, release), release) for one in values]

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
    return msgspec.json.Decoder(cls)
