"""The JSON form of a command header. RocketMQ: ``RemotingCommand`` through ``RemotingSerializable``.

Java writes the keys ``code, extFields, flag, language, opaque, remark, serializeTypeCurrentRPC,
version`` in this order, without spaces, leaves a null ``extFields`` or ``remark`` out, and gives the
language by name. It reads any order, unknown keys, white space, a missing key (language JAVA, else 0
or null), numbers and booleans as text in extFields, digits in quotes as a number, and a language by
its ordinal. The fast path reads what Java writes; what it refuses goes through the tolerant one.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

import msgspec

from rmqwire.codec.codes import LANGUAGE_CODES, LANGUAGE_NAMES
from rmqwire.codec.release import release_of
from rmqwire.errors import BadHeader

HeaderValues: TypeAlias = "tuple[int, int | None, int, int, int, str | None, dict[str, str] | None]"
"""(code, language byte, version, opaque, flag, remark, ext fields): what both forms carry."""

INT_MIN, INT_MAX = -(2**31), 2**31 - 1
Int32 = Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]


class _StrictHeader(msgspec.Struct, gc=False):
    code: Int32 = 0
    extFields: dict[str, str] | None = None
    flag: Int32 = 0
    language: str = "JAVA"
    opaque: Int32 = 0
    remark: str | None = None
    version: Int32 = 0


class _TolerantHeader(msgspec.Struct, gc=False):
    code: msgspec.Raw = msgspec.Raw(b"0")
    extFields: dict[str, msgspec.Raw] | None = None
    flag: msgspec.Raw = msgspec.Raw(b"0")
    language: msgspec.Raw = msgspec.Raw(b'"JAVA"')
    opaque: msgspec.Raw = msgspec.Raw(b"0")
    remark: msgspec.Raw = msgspec.Raw(b"null")
    version: msgspec.Raw = msgspec.Raw(b"0")


_decode_strict = msgspec.json.Decoder(_StrictHeader).decode
_decode_tolerant = msgspec.json.Decoder(_TolerantHeader).decode
_decode_any = msgspec.json.Decoder().decode
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
    return (
        header.code,
        LANGUAGE_CODES.get(header.language),
        header.version,
        header.opaque,
        header.flag,
        header.remark,
        header.extFields,
    )


def _decode_as_java_would(data: bytes) -> HeaderValues:
    try:
        header = _decode_tolerant(data)
        ext_fields = None
        if header.extFields is not None:
            texts = {name: _text(raw) for name, raw in header.extFields.items()}
            ext_fields = {name: text for name, text in texts.items() if text is not None}
        return (
            _int32("code", header.code),
            _language(header.language),
            _int32("version", header.version),
            _int32("opaque", header.opaque),
            _int32("flag", header.flag),
            _text(header.remark),
            ext_fields,
        )
    except _UNREADABLE as error:
        raise BadHeader(f"the JSON header can't be read: {error}") from None


def _int32(name: str, raw: msgspec.Raw) -> int:
    """Read a number that may stand in quotes; Java parses both."""
    text = _text(raw)
    if text is None:
        return 0
    if len(text) <= 11:  # "-2147483648"; also keeps int() away from endless digits
        try:
            value = int(text)
        except ValueError:
            pass
        else:
            if INT_MIN <= value <= INT_MAX:
                return value
    raise BadHeader(f"the header field <{name}> is not a 32-bit number: {text[:40]!r}")


def _language(raw: msgspec.Raw) -> int | None:
    value: Any = _decode_any(raw)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value in LANGUAGE_NAMES else None
    return LANGUAGE_CODES.get(value) if isinstance(value, str) else None


def _text(raw: msgspec.Raw) -> str | None:
    """Return a value as Java's text: numbers and booleans as written, null as None."""
    text = str(memoryview(raw), "utf-8").strip()
    if text == "null":
        return None
    if text[:1] == '"':
        decoded: str = _decode_any(raw)
        return decoded
    _decode_any(raw)  # Raw skips over a value; make sure that it is one
    return text


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
