"""Plain sends, each from its properties to its frame in one step.

Plain are those whose properties are the application's own, or all messages': what a send is to be looked at
for is in ``NOT_PLAIN``, and whoever asks a form gets None then, nor has anything changed. The native lane's
``SendForm`` and ``BatchForm`` do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rmqwire.codec import message_const as const
from rmqwire.codec.batch import encode_entry
from rmqwire.codec.command import JSON, frame_of
from rmqwire.codec.header_json import json_text
from rmqwire.codec.message import Message
from rmqwire.codec.native import is_native
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.codec.release import Release

Pieces = tuple[bytes, bytes, bytes, bytes, bytes]

UNIQ_KEY: Final = const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX
WAIT: Final = const.PROPERTY_WAIT_STORE_MSG_OK
NOT_PLAIN: Final = frozenset(
    (
        const.PROPERTY_INNER_MULTI_DISPATCH,
        const.PROPERTY_TRANSACTION_PREPARED,
        const.PROPERTY_MESSAGE_TYPE,
    )
)
NOT_IN_BATCHES: Final = (
    NOT_PLAIN
    | const.TIMER_TIMES
    | frozenset((const.PROPERTY_DELAY_TIME_LEVEL, const.PROPERTY_LITE_TOPIC))
)


class SendForm(Protocol):
    """All plain sends of one kind to one broker."""

    def write(
        self,
        properties: dict[str, str],
        body: bytes,
        queue_id: int,
        born_timestamp: int,
        opaque: int,
        head: str,
        count: int,
        /,
    ) -> tuple[str, bytes] | None:
        """Return the id and the whole frame of a message, None when it is not plain.

        Args:
            properties: get WAIT and UNIQ_KEY where they have none.
            body: as it goes on the wire.
            queue_id: where to.
            born_timestamp: ms since the epoch.
            opaque: of the request.
            head: of the ids of this millisecond.
            count: the number of a new id.
        """


class BatchForm(Protocol):
    """All plain batches of a producer."""

    def write(
        self, messages: Sequence[Message], head: str, count: int, /
    ) -> tuple[bytes, str, bool, int] | None:
        """Return the body of a batch, the ids, whether they WAIT, and how many ids are new.

        Args:
            messages: get WAIT and UNIQ_KEY where they have none.
            head: of the ids of this millisecond.
            count: the number of the first new id.

        Returns:
            None when one of them is not plain.
        """


class PlainSendForm:
    """A ``SendForm`` without the native lane.

    Args:
        pieces: what stands between queue id, time, properties and opaque of a header; and round all of them.
        most_body: bytes of the largest plain body.
        release: whose property strings and escapes.
    """

    def __init__(self, pieces: Pieces, most_body: int, release: Release) -> None:
        escaped = [piece.replace(b"%", b"%%") for piece in pieces]
        self._template = b"%b%%d%b%%d%b%%b%b%%d%b" % tuple(escaped)
        self._most_body = most_body
        self._old_escapes = release.wire.escape_line_separators
        self._end = "\x02" if release.wire.trailing_property_separator else ""

    def write(
        self,
        properties: dict[str, str],
        body: bytes,
        queue_id: int,
        born_timestamp: int,
        opaque: int,
        head: str,
        count: int,
        /,
    ) -> tuple[str, bytes] | None:
        """Write a frame; see ``SendForm``."""
        if not body or len(body) > self._most_body or not NOT_PLAIN.isdisjoint(properties):
            return None
        found = _entries(properties, head, count)
        if found is None:
            return None
        message_id, text = found
        written = json_text(text + self._end, old_escapes=self._old_escapes)
        header = self._template % (queue_id, born_timestamp, written, opaque)
        properties.setdefault(WAIT, "true")
        properties.setdefault(UNIQ_KEY, message_id)
        return message_id, frame_of(header, body, JSON)


class PlainBatchForm:
    """A ``BatchForm`` without the native lane.

    Args:
        most_body: bytes of the largest plain batch.
        release: whose property strings.
    """

    def __init__(self, most_body: int, release: Release) -> None:
        self._most_body = most_body
        self._end = "\x02" if release.wire.trailing_property_separator else ""

    def write(
        self, messages: Sequence[Message], head: str, count: int, /
    ) -> tuple[bytes, str, bool, int] | None:
        """Write the body of a batch; see ``BatchForm``."""
        if not messages:
            return None
        topic, waits = messages[0].topic, messages[0].properties.get(WAIT, "true")
        entries: list[bytes] = []
        ids: list[str] = []
        new: dict[int, str] = {}  # by the message's identity: it may be there twice
        for message in messages:
            body, properties = message.body, message.properties
            if (
                message.topic != topic
                or properties.get(WAIT, "true") != waits
                or not body
                or not NOT_IN_BATCHES.isdisjoint(properties)
            ):
                return None
            number = count + len(new) & 0xFFFF
            found = _entries(properties, head, number, new.get(id(message)))
            if found is None:
                return None
            written = (found[1] + self._end).encode()
            if len(written) > MAX_PROPERTIES_LENGTH:
                return None
            if UNIQ_KEY not in properties:
                new[id(message)] = found[0]
            ids.append(found[0])
            entries.append(encode_entry(message.flag, body, written))
        batch = b"".join(entries)
        if len(batch) > self._most_body or waits not in {"true", "false"}:
            return None
        for message, message_id in zip(messages, ids, strict=True):
            message.properties.setdefault(WAIT, "true")
            message.properties.setdefault(UNIQ_KEY, message_id)
        return batch, ",".join(ids), waits == "true", len(new)


def _entries(
    properties: dict[str, str], head: str, count: int, known: str | None = None
) -> tuple[str, str] | None:
    """Return the id and the property string of a message without its end; None: not plain."""
    message_id = properties.get(UNIQ_KEY)
    try:
        entries = [name + "\x01" + value for name, value in properties.items()]
    except TypeError:  # no text
        return None
    if WAIT not in properties:
        entries.append("WAIT\x01true")
    if message_id is None:
        message_id = known or f"{head}{count:04X}"
        entries.append(f"UNIQ_KEY\x01{message_id}")
    text, size = "\x02".join(entries), len(entries)
    if text.count("\x01") != size or text.count("\x02") != size - 1 or "" in properties:
        return None
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return None
    return message_id, text


def send_form(pieces: Pieces, most_body: int, release: Release) -> SendForm:
    """Return what writes the plain sends of one kind: the native lane's form if there is one.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return PlainSendForm(pieces, most_body, release)
    from rmqwire_speedups import SendForm as NativeForm  # noqa: PLC0415  a distribution of its own

    wire = release.wire
    return NativeForm(
        pieces,
        most_body,
        sorted(NOT_PLAIN),
        wire.trailing_property_separator,
        wire.escape_line_separators,
    )


def batch_form(most_body: int, release: Release) -> BatchForm:
    """Return what writes plain batches: the native lane's form if there is one.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return PlainBatchForm(most_body, release)
    from rmqwire_speedups import BatchForm as NativeForm  # noqa: PLC0415  a distribution of its own

    trailing = release.wire.trailing_property_separator
    return NativeForm(Message, most_body, sorted(NOT_IN_BATCHES), trailing)
