"""Bytes to values and back: every layout of RocketMQ's wire and files, with no I/O and no clock."""

from __future__ import annotations

from rmqwire.codec.command import (
    RemotingCommand,
    decode_command,
    decode_frame,
    encode_command,
)

__all__ = ["RemotingCommand", "decode_command", "decode_frame", "encode_command"]
