"""One message shown: mqadmin's lines, its body in a file of its own, or a JSON object."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rmqwire.admin.message_text import body_file_name, properties_text
from rmqwire.cli.admin.printing import row, time_text
from rmqwire.codec.host import host_text
from rmqwire.inspector.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.message_query import MessageTrack
    from rmqwire.client.message_ext import MessageExt

BODIES: Final = Path("/tmp/rocketmq/msgbodys")  # noqa: S108  mqadmin's own folder
LINE: Final = "%-20s %s"


@dataclass(frozen=True, slots=True)
class Shown:
    """A message to be shown.

    Args:
        message: it.
        properties: its own, and those that a pull adds.
        tracks: what its groups have done with it.
        charset: its body is shown in this one too; None: it isn't.
        index: which of several that have one id.
        names_record: the broker's id stands above it.
    """

    message: MessageExt
    properties: dict[str, str]
    tracks: list[MessageTrack] = field(default_factory=list)
    charset: str | None = None
    index: int = 0
    names_record: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints of it: the body as text, or as hex digits."""
        tracks = [
            {"consumerGroup": one.consumer_group, "trackType": one.track_type,
             "exceptionDesc": one.exception_desc}
            for one in self.tracks
        ]  # fmt: skip
        return {**message_row(self.message), "properties": self.properties, "tracks": tracks}


def message_row(message: MessageExt) -> dict[str, Any]:
    """Return a message as a JSON object's fields."""
    body, encoding = printable(message.body)
    stored = message.stored
    return {
        "msgId": message.msg_id,
        "offsetMsgId": message.offset_msg_id,
        "topic": message.topic,
        "brokerName": message.broker_name or None,
        "queueId": message.queue_id,
        "queueOffset": message.queue_offset,
        "commitLogOffset": stored.physical_offset,
        "tags": message.tags,
        "keys": message.keys,
        "flag": message.flag,
        "sysFlag": stored.sys_flag,
        "reconsumeTimes": message.reconsume_times,
        "bornTimestamp": message.born_timestamp,
        "storeTimestamp": message.store_timestamp,
        "bornHost": host_text(message.born_host),
        "storeHost": host_text(message.store_host),
        "properties": message.properties,
        "body": body,
        "bodyEncoding": encoding,
    }


def shown_lines(shown: Shown) -> Iterator[str]:
    """Yield the lines of queryMsgById; the body goes into a file, which only its owner can read."""
    message = shown.message
    details: dict[str, object] = {
        "OffsetID:": message.offset_msg_id,
        "Topic:": message.topic,
        "Tags:": row("[%s]", message.tags),
        "Keys:": row("[%s]", message.keys),
        "Queue ID:": message.queue_id,
        "Queue Offset:": message.queue_offset,
        "CommitLog Offset:": message.stored.physical_offset,
        "Reconsume Times:": message.reconsume_times,
        "Born Timestamp:": time_text(message.born_timestamp),
        "Store Timestamp:": time_text(message.store_timestamp),
        "Born Host:": host_text(message.born_host),
        "Store Host:": host_text(message.store_host),
        "System Flag:": message.stored.sys_flag,
        "Properties:": properties_text(shown.properties),
        "Message Body Path:": _write_body(message, shown.index),
    }
    if not shown.names_record:
        del details["OffsetID:"]
    if shown.charset is not None:
        details["Message Body:"] = message.body.decode(shown.charset, "replace")
    for name, value in details.items():
        yield row(LINE, name, value)
    yield ""
    yield ""
    if shown.tracks:
        yield from map(str, shown.tracks)
    else:
        yield "WARN: No Consumer"


def _write_body(message: MessageExt, index: int) -> Path:
    """Write a body where mqadmin does, and return the path."""
    BODIES.mkdir(parents=True, exist_ok=True)
    path = BODIES / body_file_name(message, index)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW  # the folder is everybody's
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(message.body)
    return path
