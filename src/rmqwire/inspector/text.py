"""Bytes as people read them."""

from __future__ import annotations

from datetime import datetime


def printable(data: bytes | memoryview) -> tuple[str, str]:
    """Return (text, encoding): the text itself when it is readable UTF-8, else hex digits."""
    raw = bytes(data)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.hex(), "hex"
    if all(char.isprintable() or char in "\n\r\t" for char in text):
        return text, "utf-8"
    return raw.hex(), "hex"


def local_time(ms: int) -> str:
    """Write ms since the epoch as local time with ms; what is no time stays a number."""
    try:
        return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(" ", "milliseconds")[:23]
    except (ValueError, OverflowError, OSError):
        return str(ms)
