"""The handle with which a timer message is taken back (``RecallMessageHandle``).

Base64 for URLs, padded, of five words with a blank between each two::

    v1 TOPIC BROKERNAME TIME UNIQUEKEY

TIME is in ms since the epoch, one later than the tick for which the message waits.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode

import msgspec

from rmqwire.errors import BadHeader

_VERSION = "v1"
_WORDS = 5


class RecallHandle(msgspec.Struct):
    """The words of a handle; ``timestamp`` is as the handle says it, a number or not."""

    topic: str
    broker_name: str
    timestamp: str
    unique_key: str


def recall_handle(topic: str, broker_name: str, timestamp_ms: int, unique_key: str) -> str:
    """Return the handle of a message."""
    words = (_VERSION, topic, broker_name, str(timestamp_ms), unique_key)
    return urlsafe_b64encode(" ".join(words).encode()).decode()


def read_recall_handle(handle: str) -> RecallHandle:
    """Return the words of a handle.

    Raises:
        BadHeader: it is none; the text is Java's.
    """
    try:
        raw = handle.encode("ascii")
        # As Java's URL decoder: padding may be missing, nothing else may be there.
        text = b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise BadHeader("recall handle is invalid") from None
    words = text.decode("utf-8", "replace").split(" ")
    if words[0] != _VERSION or len(words) < _WORDS:
        raise BadHeader("recall handle is invalid")
    return RecallHandle(*words[1:_WORDS])
