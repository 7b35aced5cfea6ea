"""The JSON form of a command header. RocketMQ: ``RemotingCommand`` through ``RemotingSerializable``.

Java writes the keys ``code, extFields, flag, language, opaque, remark, serializeTypeCurrentRPC,
version`` in this order, without spaces, leaves a null ``extFields`` or ``remark`` out, and gives the
language by name. It reads any order, unknown keys, white space, a missing key (language JAVA, else 0
or null). The fast path reads what Java writes; the rest is read by the rules of ``json_fields``.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from rmqwire.codec import java_json
from rmqwire.codec.codes import LANGUAGE_CODES, LANGUAGE_NAMES
from rmqwire.codec.java_enums import Language, SerializeType  # noqa: TC001 - msgspec reads them
from rmqwire.codec.java_types import Int  # noqa: TC001
from rmqwire.codec.json_fields import read_body
from rmqwire.codec.release import release_of
from rmqwire.errors import BadBody, BadHeader

HeaderValues: TypeAlias = "tuple[int, int | None, int, int, int, str | None, dict[str, str] | None]"
"""(code, language byte, version, opaque, flag, remark, ext fields): what both forms carry."""

FASTJSON = 1  # whose rules hold for a header, before anybody can know the release of its sender


class _StrictHeader(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    code: Int = 0
    extFields: dict[str, str] | None = None
    flag: Int = 0
    language: str = "JAVA"
    opaque: Int = 0
    remark: str | None = None
    serializeTypeCurrentRPC: str = "JSON"
    version: Int = 0


class CommandHeader(msgspec.Struct, gc=False):
    """The fields of a command's header, for the reader that is as lenient as fastjson."""

    code: Int = 0
    extFields: dict[str, str] | None = None
    flag: Int = 0
    language: Language | None = "JAVA"
    opaque: Int = 0
    remark: str | None = None
    serializeTypeCurrentRPC: SerializeType | None = None
    version: Int = 0


_decode_strict = msgspec.json.Decoder(_StrictHeader).decode
_encode_text = msgspec.json.Encoder().encode

# msgspec raises its own errors, but lets these two through for bad UTF-8 and deep nesting.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def decode_json_header(data: bytes) -> HeaderValues:
    """Read the JSON form.

    Raises:
        BadHeader: not a JSON object, or a field that Java could not read either.
    """
    try:
        header = _decode_strict(data)
    except _UNREADABLE:
        return _decode_as_java_would(data)
    language = LANGUAGE_CODES.get(header.language)
    if language is None:
        return _decode_as_java_would(data)
    return (
        header.code,
        language,
        header.version,
        header.opaque,
        header.flag,
        header.remark,
        header.extFields,
    )


def _decode_as_java_would(data: bytes) -> HeaderValues:
    try:
        value = java_json.loads_spelled(data)
        header = read_body(CommandHeader, value, FASTJSON)
    except BadBody as error:
        raise BadHeader(f"the JSON header can't be read: {error}") from None
    assert isinstance(header, CommandHeader)
    return (
        header.code,
        None if header.language is None else LANGUAGE_CODES[header.language],
        header.version,
        header.opaque,
        header.flag,
        header.remark,
        header.extFields,
    )


def encode_json_header(values: HeaderValues) -> bytes:
    """Write the JSON form as Java does, with the escapes of the release that ``version`` names."""
    code, language, version, opaque, flag, remark, ext_fields = values
    parts = [b'{"code":%d' % code]
    if ext_fields is not None:
        parts += (b',"extFields":', _encode(ext_fields))
    name = LANGUAGE_NAMES.get(language) if language is not None else None
    if name is None:  # Java leaves a language it does not know out
        parts.append(b',"flag":%d,"opaque":%d' % (flag, opaque))
    else:
        parts.append(b',"flag":%d,"language":"%s","opaque":%d' % (flag, name.encode(), opaque))
    if remark is not None:
        parts += (b',"remark":', _encode(remark))
    parts.append(b',"serializeTypeCurrentRPC":"JSON","version":%d}' % version)
    header = b"".join(parts)
    if release_of(version).wire.escape_line_separators:
        return _with_old_escapes(header)
    return header


def json_text(text: str, *, old_escapes: bool) -> bytes:
    """Write a text as it stands in a header, in quotation marks.

    Args:
        text: any.
        old_escapes: as the releases do whose ``wire.escape_line_separators`` is set.
    """
    try:
        written = _encode_text(text)
    except UnicodeEncodeError:
        written = _encode_text(_without_surrogates(text))
    return _with_old_escapes(written) if old_escapes else written


def _encode(value: str | dict[str, str]) -> bytes:
    try:
        return _encode_text(value)
    except UnicodeEncodeError:  # a lone surrogate: Java writes a question mark
        if isinstance(value, str):
            return _encode_text(_without_surrogates(value))
        return _encode_text(
            {_without_surrogates(name): _without_surrogates(text) for name, text in value.items()}
        )


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


# fastjson 1: U+007F to U+009F and the line separators are escaped, hex digits are capitals.
_OLD_ESCAPES = {code: f"\\u{code:04X}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
# An escape with a letter in its hex digits; the backslash before it must not be escaped itself.
_LETTER_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*\\u00)([01][a-f])")


def _with_old_escapes(header: bytes) -> bytes:
    if not header.isascii() or b"\x7f" in header:
        header = header.decode().translate(_OLD_ESCAPES).encode()
    if b"\\u00" in header:
        header = _LETTER_ESCAPE.sub(lambda match: match[1] + match[2].upper(), header)
    return header
