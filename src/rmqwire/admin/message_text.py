"""Messages as mqadmin prints them: Java's ``toString`` of a ``MessageExt``, and its details by line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.host import host_text
from rmqwire.codec.java_map import in_hash_map_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import ConsumeMessageDirectlyResult, MessageQueue
    from rmqwire.producer.results import SendResult

PROPERTY_CAPACITY = 128  # of the HashMap in MessageDecoder.string2messageProperties, 5.x
HOUR_MS = 3_600_000
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class PulledMessage:
    """A message as a pull consumer gets it, with the ends of its queue then (``PullAPIWrapper``).

    Args:
        message: it.
        min_offset: the oldest message of its queue.
        max_offset: the next message to come.
    """

    message: MessageExt
    min_offset: int
    max_offset: int

    @property
    def properties(self) -> dict[str, str]:
        """Those of the message, with MIN_OFFSET and MAX_OFFSET."""
        return {
            **self.message.properties,
            const.PROPERTY_MIN_OFFSET: str(self.min_offset),
            const.PROPERTY_MAX_OFFSET: str(self.max_offset),
        }


def properties_text(properties: dict[str, str]) -> str:
    """Return properties as Java's map of them prints itself."""
    ordered = in_hash_map_order(properties, PROPERTY_CAPACITY)
    return f"{{{', '.join(f'{name}={value}' for name, value in ordered.items())}}}"


def queue_text(queue: MessageQueue) -> str:
    """Return a queue as ``MessageQueue.toString`` does."""
    return (
        f"MessageQueue [topic={queue.topic}, brokerName={queue.broker_name}, "
        f"queueId={queue.queue_id}]"
    )


def message_text(pulled: PulledMessage) -> str:
    """Return a message as ``MessageExt.toString`` of a pull consumer's message does."""
    message, stored = pulled.message, pulled.message.stored
    return (
        f"MessageExt [brokerName={message.broker_name}, queueId={message.queue_id}, "
        f"storeSize={stored.total_size}, queueOffset={message.queue_offset}, "
        f"sysFlag={stored.sys_flag}, bornTimestamp={stored.born_timestamp}, "
        f"bornHost=/{host_text(stored.born_host)}, storeTimestamp={stored.store_timestamp}, "
        f"storeHost=/{host_text(stored.store_host)}, msgId={message.offset_msg_id}, "
        f"commitLogOffset={stored.physical_offset}, bodyCRC={stored.body_crc}, "
        f"reconsumeTimes={message.reconsume_times}, "
        f"preparedTransactionOffset={stored.prepared_transaction_offset}, "
        f"toString()={_plain_text(pulled)}]"
    )


def _plain_text(pulled: PulledMessage) -> str:
    """Return it as ``Message.toString`` does; a half message has a transaction's id."""
    message = pulled.message
    prepared = message.properties.get(const.PROPERTY_TRANSACTION_PREPARED, "").lower() == "true"
    transaction_id = message.unique_key or "null" if prepared else "null"
    signed = (byte - 256 if byte > 127 else byte for byte in message.body)
    return (
        f"Message{{topic='{message.topic}', flag={message.flag}, "
        f"properties={properties_text(pulled.properties)}, "
        f"body=[{', '.join(map(str, signed))}], transactionId='{transaction_id}'}}"
    )


def printed_line(pulled: PulledMessage, charset: str | None) -> str:
    """Return the line of printMsg for a message.

    Args:
        pulled: it.
        charset: of its body; None: the body isn't shown.
    """
    body = "NOT PRINT BODY" if charset is None else pulled.message.body.decode(charset, "replace")
    return f"MSGID: {pulled.message.msg_id} {message_text(pulled)} BODY: {body}"


def index_key(message: MessageExt, topic: str, key: str, key_type: str) -> str:
    """Return the key of a message's entry in an index of 5.5 (``queryMsgByKey``, ``--lastKey``)."""
    hour = message.store_timestamp // HOUR_MS * HOUR_MS
    return f"{hour}@{topic}@{key_type}@{key}@{message.msg_id}@{message.stored.physical_offset}"


def body_file_name(message: MessageExt, index: int = 0) -> str:
    """Return the name for the file of a message's body.

    It is the message's id, and the broker's id of the record when that is no plain name: a producer
    may call a message whatever it likes.
    """
    name = message.msg_id if _FILE_NAME.fullmatch(message.msg_id) else message.offset_msg_id
    return f"{name}_{index}" if index else name


def direct_result_text(result: ConsumeMessageDirectlyResult) -> str:
    """Return what a consumer made of a message that was pushed to it, as Java prints it."""
    order, auto_commit = (str(flag).lower() for flag in (result.order, result.auto_commit))
    outcome = "null" if result.consume_result is None else result.consume_result
    return (
        f"ConsumeMessageDirectlyResult [order={order}, autoCommit={auto_commit}, "
        f"consumeResult={outcome}, remark={result.remark or 'null'}, "
        f"spentTimeMills={result.spent_time_mills}]"
    )


def send_result_text(result: SendResult) -> str:
    """Return the result of a send as ``SendResult.toString`` does."""
    return (
        f"SendResult [sendStatus={result.send_status.value}, msgId={result.msg_id}, "
        f"offsetMsgId={result.offset_msg_id}, messageQueue={queue_text(result.message_queue)}, "
        f"queueOffset={result.queue_offset}, recallHandle={result.recall_handle or 'null'}]"
    )


def words_of(message: MessageExt) -> Iterator[str]:
    """Yield what a message can be asked for by: its id and its keys."""
    yield message.msg_id
    yield from (message.keys or "").split(const.KEY_SEPARATOR)
