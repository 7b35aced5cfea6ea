"""Answers to sends that were stored, each written in one step (``SendMessageResponseHeader``).

Of an answer's fields only the message's place and its ids change, so both serialisations have their
answer ready but for these. What doesn't fit in (a key with letters that need escapes, fields that few
answers have) goes through the general encoder, whose bytes are the same.

JSON has the fields in the order of the HashMap that Java puts them into: first the two of the
broker, then those of the header. ROCKETMQ has the header's first, in an order of its own.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING

from rmqwire.codec.codes import LANGUAGE_NAMES, RESPONSE_FLAG, LanguageCode
from rmqwire.codec.command import ROCKETMQ, RemotingCommand, encode_command
from rmqwire.codec.headers import SendMessageResponseHeader
from rmqwire.codec.java_map import in_hash_map_order

if TYPE_CHECKING:
    from rmqwire.codec.release import Release

_PLAIN = re.compile(r"[\w.-]*", re.ASCII)  # needs no escape in JSON, nor in a % template
_MAX = 0xFF  # bytes of a region or of a key that a template is made for
# total length, serialize type and header length, code, language, version, opaque, flag,
# remark length, ext fields length; the ROCKETMQ header is 21 bytes and the ext fields.
_HEAD = Struct(">iIHBHiiii")
_FIXED = 21
_OPAQUE_AT = 13  # offset in the head
_TEMPLATES = 256  # kept: they differ in lengths alone


class SendAnswers:
    """The answers of one broker to the sends it has stored.

    Args:
        release: whose fields and order; its version is announced.
        region_id: value of MSG_REGION.
        trace_on: value of TRACE_ON.
        language: who answers.

    Attributes:
        broker_fields: the two fields that every answer to a send has, refusals too.
        is_plain: these need no escape, so that the templates can be used.
        json: template of a JSON header: code, queue id, message id, queue offset, opaque.
        json_with_key: the same with a unique key behind the queue id.
        tail: the last entries of a ROCKETMQ header, latin-1.
        has_key: whether an answer says a message's unique key.
        version: MQVersion ordinal that answers announce.
        language: language byte that they announce.
    """

    def __init__(
        self,
        release: Release,
        region_id: str,
        *,
        trace_on: bool,
        language: int = LanguageCode.PYTHON.value,
    ) -> None:
        self.version = release.mq_version
        self.language = language
        self.has_key = release.broker.answers_transaction_id
        self._templates: dict[tuple[int, tuple[int, ...]], bytes] = {}
        self._capacity = release.wire.ext_fields_capacity
        trace = "true" if trace_on else "false"
        self.broker_fields = {"TRACE_ON": trace, "MSG_REGION": region_id}
        self.is_plain = _PLAIN.fullmatch(region_id) is not None and len(region_id) <= _MAX
        self.json = self._json_template(with_key=False)
        self.json_with_key = self._json_template(with_key=True)
        self._json = self.json.encode()
        self._json_with_key = self.json_with_key.encode()
        self.tail = "".join(
            f"\0{chr(len(name))}{name}\0\0\0{chr(len(value) & _MAX)}{value}"
            for name, value in self.broker_fields.items()
        )

    def _json_template(self, *, with_key: bool) -> str:
        variable = {"msgId": "%s", "queueId": "%d", "queueOffset": "%d"}
        if with_key:
            variable["transactionId"] = "%s"
        fields = in_hash_map_order(self._first_fields() | variable, self._capacity)
        entries = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
        return (
            f'{{"code":%d,"extFields":{{{entries}}},"flag":{RESPONSE_FLAG},'
            f'"language":"{LANGUAGE_NAMES[self.language]}","opaque":%d,'
            f'"serializeTypeCurrentRPC":"JSON","version":{self.version}}}'
        )

    def _first_fields(self) -> dict[str, str]:
        """Return the broker's fields in the order in which Java puts them into the map."""
        return dict(reversed(self.broker_fields.items()))

    def encode(
        self,
        serialize_type: int,
        opaque: int,
        code: int,
        message_id: str,
        queue_id: int,
        queue_offset: int,
        unique_key: str | None,
    ) -> bytes:
        """Return the whole frame of an answer.

        Args:
            serialize_type: of what is answered.
            opaque: likewise.
            code: response code.
            message_id: offset message id, those of a batch joined with commas.
            queue_id: the queue that was asked for.
            queue_offset: of the (first) message.
            unique_key: of the message, None without; 5.x answers it.
        """
        key = unique_key if self.has_key else None
        if not (
            self.is_plain
            and (key is None or (len(key) <= _MAX and key.isascii() and key.isalnum()))
        ):
            header = SendMessageResponseHeader(
                msg_id=message_id, queue_id=queue_id, queue_offset=queue_offset, transaction_id=key
            )
            return self.encode_header(serialize_type, opaque, code, header)
        if serialize_type == ROCKETMQ:
            texts = [message_id, str(queue_id), str(queue_offset)]
            if key is not None:
                texts.append(key)
            values = [text.encode() for text in texts]
            return self.template(code, *map(len, values)) % (
                opaque.to_bytes(4, "big", signed=True),
                *values,
            )
        of_key = None if key is None else key.encode()
        return self.json_frame(opaque, code, message_id.encode(), queue_id, queue_offset, of_key)

    def json_frame(
        self,
        opaque: int,
        code: int,
        message_id: bytes,
        queue_id: int,
        queue_offset: int,
        key: bytes | None,
    ) -> bytes:
        """Return the whole frame of an answer with a JSON header, whose texts need no escape."""
        if key is None:
            header = self._json % (code, queue_id, message_id, queue_offset, opaque)
        else:
            header = self._json_with_key % (code, queue_id, key, message_id, queue_offset, opaque)
        size = len(header)
        return ((size + 4) << 32 | size).to_bytes(8, "big") + header

    def template(self, code: int, *lengths: int) -> bytes:
        """Return a % template of a frame with a ROCKETMQ header.

        Its values are the four bytes of the opaque, message id, queue id, queue offset and, with a
        fourth length, the unique key.

        Args:
            code: response code.
            lengths: bytes of the values behind the opaque.
        """
        found = self._templates.get((code, lengths))
        if found is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            found = self._templates[code, lengths] = self._new_template(code, lengths)
        return found

    def _new_template(self, code: int, lengths: tuple[int, ...]) -> bytes:
        names = ("msgId", "queueId", "queueOffset", "transactionId")
        heads = [
            f"\0{chr(len(name))}{name}{length.to_bytes(4, 'big').decode('latin-1')}"
            for name, length in zip(names, lengths, strict=False)
        ]
        size = len("".join(heads) + self.tail) + sum(lengths)
        head = _HEAD.pack(
            4 + _FIXED + size, ROCKETMQ << 24 | _FIXED + size, code, self.language, self.version,
            0, RESPONSE_FLAG, 0, size,
        )  # fmt: skip
        before, behind = head[:_OPAQUE_AT], head[_OPAQUE_AT + 4 :]
        pieces = [before, behind + heads[0].encode("latin-1")]
        pieces += [one.encode("latin-1") for one in (*heads[1:], self.tail)]
        return b"%b".join([piece.replace(b"%", b"%%") for piece in pieces])

    def encode_header(
        self, serialize_type: int, opaque: int, code: int, header: SendMessageResponseHeader
    ) -> bytes:
        """Return the frame of an answer with any fields of the header, by the general encoder."""
        binary = serialize_type == ROCKETMQ
        if binary:
            fields = header.encode(fast=True) | self.broker_fields
        else:
            fields = in_hash_map_order(self._first_fields() | header.encode(), self._capacity)
        answer = RemotingCommand(
            code,
            fields,
            opaque=opaque,
            flag=RESPONSE_FLAG,
            language=self.language,
            version=self.version,
            serialize_type=serialize_type,
        )
        return encode_command(answer)
