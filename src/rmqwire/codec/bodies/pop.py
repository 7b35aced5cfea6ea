"""POP consumption: assignments, modes, check points and acknowledgements (RIP-19)."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, ConcurrentMapOf, Int, Long, SetOf
from rmqwire.codec.bodies.common import MessageQueue
from rmqwire.codec.java_enums import MessageModel, MessageRequestMode


class MessageQueueAssignment(Body):
    """A queue given to a consumer, and how it shall read it."""

    message_queue: MessageQueue | None = None
    mode: MessageRequestMode = "PULL"
    attachments: dict[str, str] | None = None


class QueryAssignmentRequestBody(Body):
    """Which queues are mine?"""

    topic: str = ""
    consumer_group: str = ""
    client_id: str = ""
    strategy_name: str | None = None
    message_model: MessageModel | None = None


class QueryAssignmentResponseBody(Body):
    """These are."""

    message_queue_assignments: SetOf[MessageQueueAssignment] | None = None


class SetMessageRequestModeRequestBody(Body):
    """PULL or POP for a group and topic."""

    topic: str = ""
    consumer_group: str = ""
    mode: MessageRequestMode = "PULL"
    pop_share_queue_num: Int = 0


class MessageRequestModeSerializeWrapper(Body):
    """The modes of a broker by topic and group."""

    message_request_mode_map: ConcurrentMapOf[
        str, ConcurrentMapOf[str, SetMessageRequestModeRequestBody]
    ] = field(default_factory=dict)


class BatchAck(Body):
    """Acknowledgements of one pop."""

    consumer_group: str = field(default="", name="c")
    topic: str = field(default="", name="t")
    retry: str | None = field(default=None, name="r")
    start_offset: Long = field(default=0, name="so")
    queue_id: Int = field(default=0, name="q")
    revive_queue_id: Int = field(default=0, name="rq")
    pop_time: Long = field(default=0, name="pt")
    invisible_time: Long = field(default=0, name="it")
    bit_set: bytes | None = field(default=None, name="b")


class BatchAckMessageRequestBody(Body):
    """Acknowledgements of several pops."""

    broker_name: str = ""
    acks: list[BatchAck] = field(default_factory=list)


class AckMsg(Body):
    """An acknowledgement in the revive topic."""

    ack_offset: Long = field(default=0, name="ao")
    start_offset: Long = field(default=0, name="so")
    consumer_group: str = field(default="", name="c")
    topic: str = field(default="", name="t")
    queue_id: Int = field(default=0, name="q")
    pop_time: Long = field(default=0, name="pt")
    broker_name: str = field(default="", name="bn")


class BatchAckMsg(AckMsg):
    """Several of them in one message."""

    ack_offset_list: list[Long] = field(default_factory=list, name="aol")


class OrderInfo(Body):
    """A block of messages that were popped in order (``ConsumerOrderInfoManager.OrderInfo``).

    ``offset_list`` has the first offset, then differences to it.
    """

    pop_time: Long = 0
    invisible_time: Long | None = field(default=None, name="i")
    offset_list: list[Long] | None = field(default=None, name="o")
    offset_next_visible_time: dict[Long, Long] | None = field(default=None, name="ot")
    offset_consumed_count: dict[Long, Int] | None = field(default=None, name="oc")
    last_consume_timestamp: Long = field(default=0, name="l")
    commit_offset_bit: Long = field(default=0, name="cm")
    attempt_id: str | None = field(default=None, name="a")


class ConsumerOrderInfoTable(Body):
    """``consumerOrderInfo.json``: blocks by ``topic@group`` and queue id."""

    order_info_count: Int = 0
    ordered_consumption_level: str = "QUEUE"
    table: ConcurrentMapOf[str, ConcurrentMapOf[Int, OrderInfo]] = field(default_factory=dict)


class PopCheckPoint(Body):
    """What a pop handed out, in the revive topic."""

    _derived: ClassVar[dict[str, str]] = {"reviveTime": "revive_time"}

    start_offset: Long = field(default=0, name="so")
    pop_time: Long = field(default=0, name="pt")
    invisible_time: Long = field(default=0, name="it")
    bit_map: Int = field(default=0, name="bm")
    num: Int = field(default=0, name="n")
    queue_id: Int = field(default=0, name="q")
    topic: str = field(default="", name="t")
    cid: str | None = field(default=None, name="c")
    revive_offset: Long = field(default=0, name="ro")
    queue_offset_diff: list[Int] | None = field(default=None, name="d")
    broker_name: str = field(default="", name="bn")
    re_put_times: str | None = field(default=None, name="rp")
    suspend: bool = field(default=False, name="sp")

    @property
    def revive_time(self) -> int:
        """When the messages become visible again, in ms."""
        return self.pop_time + self.invisible_time
