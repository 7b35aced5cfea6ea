"""Where the fields of a send stand in its header: by name (V1) or by letter (V2).

The send path reads them straight from the ext fields; building a typed header per message would
cost more than storing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import SendMessageRequestHeader, SendMessageRequestHeaderV2
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand


class SendFields(msgspec.Struct, eq=False):
    """Key of each field of ``SendMessageRequestHeader``, and its class."""

    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: str
    queue_id: str
    sys_flag: str
    born_timestamp: str
    flag: str
    properties: str
    reconsume_times: str
    unit_mode: str
    max_reconsume_times: str
    batch: str
    header: type[SendMessageRequestHeader | SendMessageRequestHeaderV2]


V1 = SendFields(
    producer_group="producerGroup",
    topic="topic",
    default_topic="defaultTopic",
    default_topic_queue_nums="defaultTopicQueueNums",
    queue_id="queueId",
    sys_flag="sysFlag",
    born_timestamp="bornTimestamp",
    flag="flag",
    properties="properties",
    reconsume_times="reconsumeTimes",
    unit_mode="unitMode",
    max_reconsume_times="maxReconsumeTimes",
    batch="batch",
    header=SendMessageRequestHeader,
)
V2 = SendFields(
    producer_group="a",
    topic="b",
    default_topic="c",
    default_topic_queue_nums="d",
    queue_id="e",
    sys_flag="f",
    born_timestamp="g",
    flag="h",
    properties="i",
    reconsume_times="j",
    unit_mode="k",
    max_reconsume_times="l",
    batch="m",
    header=SendMessageRequestHeaderV2,
)

FIELDS: Final = {
    int(RequestCode.SEND_MESSAGE): V1,
    int(RequestCode.SEND_MESSAGE_V2): V2,
    int(RequestCode.SEND_BATCH_MESSAGE): V2,
}
_BROKER_NAME: Final = ("n", "bname")  # Java's producers send it along; it says nothing here


def plain_names(fields: SendFields) -> list[str]:
    """Return the names that the header of a plain send may have: a broker knows what each says."""
    return [*msgspec.structs.astuple(fields)[:-1], *_BROKER_NAME]


def unreadable(request: RemotingCommand, fields: SendFields) -> BadHeader:
    """Return the error about a header whose fields are missing, no numbers or out of range."""
    try:
        request.decode_header(fields.header)
    except BadHeader as error:
        return error
    return BadHeader("a number of the send header is out of its range")
