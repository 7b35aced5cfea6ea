"""Rows of remoting frames (``RemotingCommand``), from a dump in whatever form it comes."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from rmqwire.codec import java_json
from rmqwire.codec.codes import LanguageCode, SerializeType, request_name, response_name
from rmqwire.codec.command import FRAME_MAX_LENGTH, RemotingCommand, decode_command
from rmqwire.codec.mq_version import version_name
from rmqwire.codec.record import iter_messages
from rmqwire.errors import BadBody, BadRecord, ProtocolError
from rmqwire.inspector.commitlog import message_row
from rmqwire.inspector.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

_WORD = 4
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


def frame_bytes(data: bytes) -> bytes:
    """Return the frames themselves for a dump: binary, hex (spaces allowed), base64, or a recording.

    A recording has a JSON object per line with the frame in ``frame_b64``.

    Raises:
        ProtocolError: none of these.
    """
    text = data.strip()
    if _begins_a_frame(data):
        return data
    if text.startswith(b"{"):
        return _from_recording(text)
    joined = b"".join(text.removeprefix(b"0x").split())
    try:
        if joined and _HEX_DIGITS.issuperset(joined):
            return bytes.fromhex(joined.decode("ascii"))
        found = b64decode(joined, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if not found:
        raise ProtocolError(f"{len(data)} bytes that are no frame, hex, base64 or recording", 0)
    return found


def _begins_a_frame(data: bytes) -> bool:
    length = int.from_bytes(data[:_WORD], "big", signed=True)
    return len(data) > _WORD and 0 < length <= FRAME_MAX_LENGTH and data[_WORD] in (0, 1)


def _from_recording(text: bytes) -> bytes:
    frames = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            frames.append(b64decode(java_json.loads(line)["frame_b64"], validate=True))
        except (BadBody, KeyError, TypeError, ValueError):
            raise ProtocolError(f"line {number} has no frame_b64 of a recording") from None
    return b"".join(frames)


def frame_rows(data: bytes, offset: int = 0) -> Iterator[Row]:
    """Read frames that follow each other.

    Args:
        data: see ``frame_bytes``.
        offset: byte to begin with, after hex or base64 were undone.

    Raises:
        ProtocolError: a frame that can't be read, ``offset`` says where it begins; the rows before
            it have been given.
    """
    frames = frame_bytes(data)
    pos = offset
    while pos < len(frames):
        length = int.from_bytes(frames[pos : pos + _WORD], "big", signed=True)
        end = pos + _WORD + length
        if length < _WORD or end > len(frames):
            left = len(frames) - pos - _WORD
            raise ProtocolError(f"a frame of {length} bytes, {max(left, 0)} follow", pos)
        try:
            command = decode_command(frames[pos:end])
        except ProtocolError as error:
            raise ProtocolError(str(error), pos) from None
        yield {"offset": pos, "size": end - pos, **command_row(command)}
        pos = end


def command_row(command: RemotingCommand) -> Row:
    """Return a command's fields under Java's names, and its body as records, text or hex."""
    name = response_name if command.is_response else request_name
    row: Row = {
        "kind": _kind(command),
        "code": command.code,
        "name": name(command.code),
        "opaque": command.opaque,
        "flag": command.flag,
        "language": _language(command.language),
        "version": command.version,
        "versionName": version_name(command.version),
        "serializeType": SerializeType(command.serialize_type).name,
        "remark": command.remark,
        "extFields": command.ext_fields,
        "bodyLength": len(command.body),
    }
    return {**row, **_body_fields(bytes(command.body))}


def _kind(command: RemotingCommand) -> str:
    if command.is_response:
        return "response"
    return "oneway" if command.is_oneway else "request"


def _language(code: int | None) -> str | int | None:
    try:
        return None if code is None else LanguageCode(code).name
    except ValueError:
        return code


def _body_fields(body: bytes) -> Row:
    if not body:
        return {}
    try:
        return {"messages": [message_row(message) for message in iter_messages(body)]}
    except BadRecord:
        text, encoding = printable(body)
        return {"body": text, "bodyEncoding": encoding}
