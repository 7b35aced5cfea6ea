"""One command of the remoting protocol. RocketMQ: ``RemotingCommand``, ``NettyEncoder``, ``NettyDecoder``.

::

    total length 4             of everything behind this word
    serialize type 1           0 JSON, 1 ROCKETMQ
    header length 3
    header                     header_json.py or header_binary.py
    body                       the rest; no bytes = no body

A received command keeps its header bytes. ``encode_command`` writes them again when they still say
what the fields say, so bytes that came stay as they came: key order, spacing, escapes, repeated keys.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, TypeVar

from rmqwire.codec.codes import (
    ONEWAY_FLAG,
    RESPONSE_FLAG,
    LanguageCode,
    SerializeType,
    request_name,
)
from rmqwire.codec.header_binary import decode_binary_header, encode_binary_header
from rmqwire.codec.header_json import decode_json_header, encode_json_header
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.errors import BadHeader, FrameTooLarge, ProtocolError

if TYPE_CHECKING:
    from rmqwire.codec.header_json import HeaderValues
    from rmqwire.codec.headers import Header

H = TypeVar("H", bound="Header")

FRAME_MAX_LENGTH = 16_777_216  # bytes with the length word: com.rocketmq.remoting.frameMaxLength
HEADER_MAX_LENGTH = 0xFFFFFF  # bytes: the length word has 24 bits for it

JSON = SerializeType.JSON.value
ROCKETMQ = SerializeType.ROCKETMQ.value
_SECRET = frozenset(("Signature", "SecurityToken", "secretKey"))
_PYTHON = LanguageCode.PYTHON.value
_VERSION = DEFAULT_RELEASE.mq_version
_opaques = count()


def next_opaque() -> int:
    """Return the next correlation id of this process; it starts again at 0 after 2^31 - 1."""
    return next(_opaques) & 0x7FFFFFFF


class RemotingCommand:
    """A request or an answer.

    Args:
        code: request code, or response code when the response flag is set.
        ext_fields: the custom header as text; None = none at all.
        body: b"" = none. Of a received command it may be a view of the frame.
        opaque: correlation id; the next of this process when left out.
        flag: bit 0 response, bit 1 oneway.
        remark: words of the server with an answer.
        language: language byte; None = none that we know a name for.
        version: ordinal of the release, see ``mq_version.py``.
        serialize_type: 0 JSON, 1 ROCKETMQ.
    """

    __slots__ = (
        "_received",
        "body",
        "code",
        "ext_fields",
        "flag",
        "language",
        "opaque",
        "remark",
        "serialize_type",
        "version",
    )

    code: int
    language: int | None
    version: int
    opaque: int
    flag: int
    remark: str | None
    ext_fields: dict[str, str] | None
    body: bytes | memoryview
    serialize_type: int
    _received: bytes | None

    def __init__(  # noqa: PLR0913 - one argument for each field of the wire
        self,
        code: int,
        ext_fields: dict[str, str] | None = None,
        body: bytes | memoryview = b"",
        *,
        opaque: int | None = None,
        flag: int = 0,
        remark: str | None = None,
        language: int | None = _PYTHON,
        version: int = _VERSION,
        serialize_type: int = JSON,
    ) -> None:
        self.code = code
        self.language = language
        self.version = version
        self.opaque = next(_opaques) & 0x7FFFFFFF if opaque is None else opaque
        self.flag = flag
        self.remark = remark
        self.ext_fields = ext_fields
        self.body = body
        self.serialize_type = serialize_type
        self._received = None

    @classmethod
    def request(
        cls,
        code: int,
        header: Header | None = None,
        body: bytes | memoryview = b"",
        *,
        serialize_type: int = JSON,
    ) -> RemotingCommand:
        """Make a request with a typed header, its fields in Java's order."""
        ext_fields = None if header is None else header.encode(fast=serialize_type == ROCKETMQ)
        return cls(code, ext_fields, body, serialize_type=serialize_type)

    @property
    def is_response(self) -> bool:
        """Whether this answers a request."""
        return self.flag & RESPONSE_FLAG != 0

    @property
    def is_oneway(self) -> bool:
        """Whether the sender wants no answer."""
        return self.flag & ONEWAY_FLAG != 0

    def mark_oneway(self) -> None:
        """Say that no answer is wanted."""
        self.flag |= ONEWAY_FLAG

    def create_response(
        self,
        code: int = 0,
        remark: str | None = None,
        header: Header | None = None,
        body: bytes | memoryview = b"",
    ) -> RemotingCommand:
        """Make the answer to this request: same opaque, same serialisation."""
        serialize_type = self.serialize_type
        return RemotingCommand(
            code,
            None if header is None else header.encode(fast=serialize_type == ROCKETMQ),
            body,
            opaque=self.opaque,
            flag=RESPONSE_FLAG,
            remark=remark,
            serialize_type=serialize_type,
        )

    def decode_header(self, header_class: type[H]) -> H:
        """Read the ext fields as a typed header.

        Raises:
            BadHeader: a required field is missing, or a number can't be read.
        """
        return header_class.decode(self.ext_fields, empty_is_none=self.serialize_type == ROCKETMQ)

    def values(self) -> HeaderValues:
        """Return the fields that the header bytes carry."""
        return (
            self.code,
            self.language,
            self.version,
            self.opaque,
            self.flag,
            self.remark,
            self.ext_fields,
        )

    def forget_received(self) -> None:
        """Drop the received header bytes: from now on the header is written from the fields."""
        self._received = None

    def __repr__(self) -> str:
        fields = self.ext_fields and {
            name: "******" if name in _SECRET else text for name, text in self.ext_fields.items()
        }
        what = f"answer {self.code}" if self.is_response else request_name(self.code)
        return (
            f"<RemotingCommand {what} opaque={self.opaque} flag={self.flag} remark={self.remark!r}"
            f" ext_fields={fields!r} body={len(self.body)} bytes>"
        )


_blank = RemotingCommand.__new__


def decode_frame(view: bytes | memoryview) -> RemotingCommand:
    """Read a command from everything behind the total length word.

    The body of the result is a slice of ``view``: a view of a view, bytes of bytes.

    Raises:
        BadHeader: the header reaches out of the frame, or can't be read.
    """
    size = len(view)
    if size < 4:
        raise BadHeader(f"a frame of {size} bytes has no header length")
    serialize_type = view[0]
    body_start = 4 + ((view[1] << 16) | (view[2] << 8) | view[3])
    if body_start > size:
        raise BadHeader(f"decode error, bad header length: {body_start - 4}")
    received = bytes(view[4:body_start])
    if serialize_type == 1:
        values = decode_binary_header(received)
    elif serialize_type == 0:
        values = decode_json_header(received)
    else:
        raise BadHeader(f"serialize type {serialize_type} is neither JSON (0) nor ROCKETMQ (1)", 0)
    command = _blank(RemotingCommand)
    (
        command.code,
        command.language,
        command.version,
        command.opaque,
        command.flag,
        command.remark,
        command.ext_fields,
    ) = values
    command.body = view[body_start:]
    command.serialize_type = serialize_type
    command._received = received
    return command


def decode_command(frame: bytes | memoryview) -> RemotingCommand:
    """Read a whole frame, both length words included.

    Raises:
        FrameTooLarge: longer than ``FRAME_MAX_LENGTH``.
        ProtocolError: the length word and the bytes disagree.
        BadHeader: the header can't be read.
    """
    if len(frame) < 4:
        raise ProtocolError(f"a frame of {len(frame)} bytes has no length word")
    length = int.from_bytes(frame[:4], "big", signed=True)
    if length + 4 > FRAME_MAX_LENGTH:
        raise FrameTooLarge(f"frame length {length + 4} exceeds {FRAME_MAX_LENGTH}")
    if length + 4 != len(frame):
        raise ProtocolError(f"the length word says {length}, {len(frame) - 4} bytes follow", 0)
    return decode_frame(frame[4:])


def encode_command(command: RemotingCommand) -> bytes:
    """Write a whole frame, both length words included.

    Raises:
        FrameTooLarge: a header that its 24-bit length word can't describe.
        UsageError: a field that the serialisation can't carry.
    """
    return frame_of(encode_header(command), command.body, command.serialize_type)


def frame_of(header: bytes, body: bytes | memoryview, serialize_type: int) -> bytes:
    """Return the whole frame of a header that is written, and a body.

    Raises:
        FrameTooLarge: a header that its 24-bit length word can't describe.
    """
    header_length = len(header)
    if header_length > HEADER_MAX_LENGTH:
        raise FrameTooLarge(f"a header of {header_length} bytes, {HEADER_MAX_LENGTH} is the most")
    words = ((4 + header_length + len(body)) << 32) | (serialize_type << 24) | header_length
    return b"".join((words.to_bytes(8, "big"), header, body))


def encode_header(command: RemotingCommand) -> bytes:
    """Write the header alone: the received bytes while they hold, else Java's order and spelling."""
    binary = command.serialize_type == ROCKETMQ
    values = command.values()
    received = command._received
    if received is not None and _still_says(received, values, binary=binary):
        return received
    return encode_binary_header(values) if binary else encode_json_header(values)


def _still_says(received: bytes, values: HeaderValues, *, binary: bool) -> bool:
    """Whether the kept bytes carry these values, found by reading them again.

    A second look costs the rare sender of a received command; a snapshot would cost every receiver.
    """
    try:
        kept = decode_binary_header(received) if binary else decode_json_header(received)
    except BadHeader:  # the serialize type was changed
        return False
    return kept == values
