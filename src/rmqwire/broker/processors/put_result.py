"""What a send is answered for each outcome of the store (``handlePutMessageResult``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import ResponseCode
from rmqwire.store.results import PutStatus

if TYPE_CHECKING:
    from rmqwire.store.results import PutMessageResult

# Stored, all the same: these answers carry msgId, queue id and offset.
STORED = {
    PutStatus.PUT_OK: int(ResponseCode.SUCCESS),
    PutStatus.FLUSH_DISK_TIMEOUT: int(ResponseCode.FLUSH_DISK_TIMEOUT),
    PutStatus.FLUSH_SLAVE_TIMEOUT: int(ResponseCode.FLUSH_SLAVE_TIMEOUT),
    PutStatus.SLAVE_NOT_AVAILABLE: int(ResponseCode.SLAVE_NOT_AVAILABLE),
}
_SYSTEM_ERROR = int(ResponseCode.SYSTEM_ERROR)
_ILLEGAL = int(ResponseCode.MESSAGE_ILLEGAL)
_REFUSED = {
    PutStatus.IN_SYNC_REPLICAS_NOT_ENOUGH: (_SYSTEM_ERROR, "in-sync replicas not enough"),
    PutStatus.CREATE_MAPPED_FILE_FAILED: (
        _SYSTEM_ERROR,
        "create mapped file failed, server is busy or broken.",
    ),
    PutStatus.OS_PAGE_CACHE_BUSY: (
        int(ResponseCode.SYSTEM_BUSY),
        "[PC_SYNCHRONIZED]broker busy, start flow control for a while",
    ),
    PutStatus.WHEEL_TIMER_NOT_ENABLE: (
        _SYSTEM_ERROR,
        "accurate timer message is not enabled, timerWheelEnable is false",
    ),
    PutStatus.LMQ_CONSUME_QUEUE_NUM_EXCEEDED: (
        _SYSTEM_ERROR,
        (
            "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]broker config enableLmq and enableMultiDispatch, lmq"
            " consumeQueue num exceed maxLmqConsumeQueueNum config num, default limit 2w."
        ),
    ),
    PutStatus.UNKNOWN_ERROR: (_SYSTEM_ERROR, "UNKNOWN_ERROR"),
}


def refusal(result: PutMessageResult, max_message_size: int) -> tuple[int, str]:
    """Return response code and remark for a put that stored nothing.

    Args:
        result: the store's outcome.
        max_message_size: ``maxMessageSize`` in bytes, which the remark names.
    """
    status = result.status
    if status in {PutStatus.MESSAGE_ILLEGAL, PutStatus.PROPERTIES_SIZE_EXCEEDED}:
        return _ILLEGAL, (
            "the message is illegal, maybe msg body or properties length not matched. "
            f"msg body length limit {max_message_size}B, msg properties length limit 32KB."
        )
    if status == PutStatus.SERVICE_NOT_AVAILABLE:
        return int(ResponseCode.SERVICE_NOT_AVAILABLE), (
            "service not available now. It may be caused by one of the following reasons: "
            f"the broker's disk is full [{result.remark}], messages are put to the slave, "
            "message store has been shut down, etc."
        )
    return _REFUSED.get(status, (_SYSTEM_ERROR, "UNKNOWN_ERROR DEFAULT"))
