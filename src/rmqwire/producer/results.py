"""What became of a send (Java ``SendResult`` and ``SendStatus``)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from rmqwire.broker_errors import broker_error
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import SendMessageResponseHeader
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand


class SendStatus(Enum):
    """How safe the message is."""

    SEND_OK = "SEND_OK"
    FLUSH_DISK_TIMEOUT = "FLUSH_DISK_TIMEOUT"
    FLUSH_SLAVE_TIMEOUT = "FLUSH_SLAVE_TIMEOUT"
    SLAVE_NOT_AVAILABLE = "SLAVE_NOT_AVAILABLE"


STATUS_OF_CODE = {
    int(ResponseCode.SUCCESS): SendStatus.SEND_OK,
    int(ResponseCode.FLUSH_DISK_TIMEOUT): SendStatus.FLUSH_DISK_TIMEOUT,
    int(ResponseCode.FLUSH_SLAVE_TIMEOUT): SendStatus.FLUSH_SLAVE_TIMEOUT,
    int(ResponseCode.SLAVE_NOT_AVAILABLE): SendStatus.SLAVE_NOT_AVAILABLE,
}


class SendResult(msgspec.Struct, gc=False):
    """A stored message.

    Args:
        send_status: SEND_OK, or stored with less safety than the broker is set to.
        msg_id: the message's UNIQ_KEY, of a batch all of them joined by commas.
        offset_msg_id: the broker's id of the record, of a batch all of them joined by commas.
        message_queue: where it is.
        queue_offset: index within that queue; of a batch its first.
        transaction_id: the broker's transactionId, None for releases that give none.
        region_id: MSG_REGION of the answer.
        trace_on: TRACE_ON of the answer.
        recall_handle: handle to take a timer message back, None without one.
    """

    send_status: SendStatus
    msg_id: str
    offset_msg_id: str
    message_queue: MessageQueue
    queue_offset: int
    transaction_id: str | None = None
    region_id: str = "DefaultRegion"
    trace_on: bool = True
    recall_handle: str | None = None


def send_result(answer: RemotingCommand, addr: str, msg_id: str, queue: MessageQueue) -> SendResult:
    """Make the result of an answer (``processSendResponse``).

    Args:
        answer: what the broker said.
        addr: its ``host:port``, for the error.
        msg_id: of what was sent.
        queue: where to.

    Raises:
        BrokerError: it refused the message.
        BadHeader: it stored the message, but its answer can't be read.
    """
    status = STATUS_OF_CODE.get(answer.code)
    if status is None:
        raise broker_error(answer.code, answer.remark, addr)
    try:
        header = answer.decode_header(SendMessageResponseHeader)
    except ProtocolError as error:
        error.maybe_stored = True
        raise
    fields = answer.ext_fields or {}
    if header.queue_id != queue.queue_id and header.queue_id is not None:
        queue = MessageQueue(queue.topic, queue.broker_name, header.queue_id)
    return SendResult(
        status,
        msg_id,
        header.msg_id or "",
        queue,
        header.queue_offset or 0,
        header.transaction_id,
        fields.get("MSG_REGION") or "DefaultRegion",
        fields.get("TRACE_ON") != "false",
        header.recall_handle,
    )
