"""Bytes to values and back: every layout of RocketMQ's wire and files, with no I/O and no clock."""

from __future__ import annotations

from rmqwire.codec.command import (
    RemotingCommand,
    decode_command,
    decode_frame,
    encode_command,
)
from rmqwire.codec.message import Message, StoredMessage
from rmqwire.codec.record import decode_message, encode_message

__all__ = [
    "Message",
    "RemotingCommand",
    "StoredMessage",
    "decode_command",
    "decode_frame",
    "decode_message",
    "encode_command",
    "encode_message",
]
