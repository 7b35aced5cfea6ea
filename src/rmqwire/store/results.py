"""What goes into the store and what comes out of it.

``MessageInner`` is Java's ``MessageExtBrokerInner`` without what the store doesn't need;
``PutStatus`` and ``GetStatus`` carry the names of ``PutMessageStatus`` and ``GetMessageStatus`` as
plain ints (an Enum call per message would cost more than the append).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class PutStatus:
    """Outcome of a put (Java ``PutMessageStatus``, same order)."""

    PUT_OK = 0
    FLUSH_DISK_TIMEOUT = 1
    FLUSH_SLAVE_TIMEOUT = 2
    SLAVE_NOT_AVAILABLE = 3
    SERVICE_NOT_AVAILABLE = 4
    CREATE_MAPPED_FILE_FAILED = 5
    MESSAGE_ILLEGAL = 6
    PROPERTIES_SIZE_EXCEEDED = 7
    OS_PAGE_CACHE_BUSY = 8
    UNKNOWN_ERROR = 9
    IN_SYNC_REPLICAS_NOT_ENOUGH = 10
    PUT_TO_REMOTE_BROKER_FAIL = 11
    LMQ_CONSUME_QUEUE_NUM_EXCEEDED = 12
    WHEEL_TIMER_FLOW_CONTROL = 13
    WHEEL_TIMER_MSG_ILLEGAL = 14
    WHEEL_TIMER_NOT_ENABLE = 15


class GetStatus:
    """Outcome of a get (Java ``GetMessageStatus``, same order)."""

    FOUND = 0
    NO_MATCHED_MESSAGE = 1
    MESSAGE_WAS_REMOVING = 2
    OFFSET_FOUND_NULL = 3
    OFFSET_OVERFLOW_BADLY = 4
    OFFSET_OVERFLOW_ONE = 5
    OFFSET_TOO_SMALL = 6
    NO_MATCHED_LOGIC_QUEUE = 7
    NO_MESSAGE_IN_QUEUE = 8
    OFFSET_RESET = 9


PUT_STATUS_NAMES = {v: k for k, v in vars(PutStatus).items() if k.isupper()}
GET_STATUS_NAMES = {v: k for k, v in vars(GetStatus).items() if k.isupper()}


class MessageInner(msgspec.Struct):
    """One message as the broker hands it to the store.

    Args:
        topic: where it is stored (the half or schedule topic for those).
        queue_id: queue of the topic.
        flag: the user's flag.
        sys_flag: ``MessageSysFlag`` bits; the store adds the two IPv6 bits itself.
        properties: the final property string, as bytes.
        body: as stored (compressed if the sender compressed it).
        tags_code: hash of the tags; for the schedule topic the delay in ms: its unit has the delivery
            time, which counts from the store time as a slave and a recovery count it.
        born_timestamp: ms, the sender's clock.
        born_host: ip and port packed, 8 or 20 bytes.
        reconsume_times: how often it was sent back.
        prepared_transaction_offset: offset of the half message in the log, 0 without one.
        wait_store_ok: False: answered after the write, whatever the flush type
            (property WAIT=false).
    """

    topic: str
    queue_id: int
    flag: int
    sys_flag: int
    properties: bytes
    body: bytes | memoryview
    tags_code: int
    born_timestamp: int
    born_host: bytes
    reconsume_times: int = 0
    prepared_transaction_offset: int = 0
    wait_store_ok: bool = True


class PutMessageResult(msgspec.Struct):
    """What became of a put.

    Args:
        status: one of ``PutStatus``.
        physical_offset: offset of the (first) record in the commit log, -1 when not stored.
        size: bytes of all its records.
        queue_offset: offset of the (first) message in its queue.
        store_timestamp: ms.
        message_id: offset message id; those of a batch joined with commas.
        count: messages.
        remark: why it was refused, empty when it was not.
    """

    status: int
    physical_offset: int = -1
    size: int = 0
    queue_offset: int = -1
    store_timestamp: int = 0
    message_id: str = ""
    count: int = 0
    remark: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether the record is in the log, whatever the disk or the slaves did."""
        return self.status <= PutStatus.SLAVE_NOT_AVAILABLE


class QueryMessageResult(msgspec.Struct):
    """What a key leads to.

    Args:
        index_last_update_timestamp: store time (ms) of the newest record in the index, 0 if the
            key was not found.
        index_last_update_phyoffset: its offset in the log, likewise.
        body: the records, one after the other, in the order of the log.
    """

    index_last_update_timestamp: int = 0
    index_last_update_phyoffset: int = 0
    body: bytes = b""


class GetMessageResult(msgspec.Struct):
    """What a get found.

    Args:
        status: one of ``GetStatus``.
        next_begin_offset: queue offset to ask for next.
        min_offset: smallest offset of the queue.
        max_offset: end of the queue (exclusive).
        body: the records, one after the other.
        count: records in ``body``.
        suggest_pulling_from_slave: the messages are older than what memory holds.
        queue_offsets: of each record in ``body``; of one that holds many messages its first.
        elapsed_ms: what the get took.
    """

    status: int
    next_begin_offset: int
    min_offset: int = 0
    max_offset: int = 0
    body: bytes = b""
    count: int = 0
    suggest_pulling_from_slave: bool = False
    queue_offsets: Sequence[int] = ()
    elapsed_ms: int = 0
