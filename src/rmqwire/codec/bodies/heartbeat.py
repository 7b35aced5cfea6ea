"""Heartbeats: what a client tells every broker each 30 s."""

from typing import ClassVar

from msgspec import field

from rmqwire.codec.bodies.base import Body, Int, Long, SetOf
from rmqwire.codec.java_enums import ConsumeFromWhere, ConsumeType, MessageModel


class SubscriptionData(Body):
    """One topic of a consumer group with its filter."""

    _hidden: ClassVar[tuple[str, ...]] = ("filter_class_source",)

    class_filter_mode: bool = False
    topic: str = ""
    sub_string: str = ""
    tags_set: SetOf[str] = field(default_factory=list)
    code_set: SetOf[Int] = field(default_factory=list)
    sub_version: Long = 0
    expression_type: str = "TAG"
    filter_class_source: str | None = None


class ConsumerData(Body):
    """One consumer group in a client."""

    group_name: str = ""
    consume_type: ConsumeType | None = None
    message_model: MessageModel | None = None
    consume_from_where: ConsumeFromWhere | None = None
    subscription_data_set: SetOf[SubscriptionData] = field(default_factory=list)
    unit_mode: bool = False


class ProducerData(Body):
    """One producer group in a client."""

    group_name: str = ""


class HeartbeatData(Body):
    """All groups of one client."""

    _since_5: ClassVar[tuple[str, ...]] = (
        "heartbeat_fingerprint",
        "without_sub",
    )

    client_id: str = field(default="", name="clientID")
    producer_data_set: SetOf[ProducerData] = field(default_factory=list)
    consumer_data_set: SetOf[ConsumerData] = field(default_factory=list)
    heartbeat_fingerprint: Int = 0
    without_sub: bool = False


class CheckClientRequestBody(Body):
    """A subscription to be checked by the broker (CHECK_CLIENT_CONFIG)."""

    _since_5: ClassVar[tuple[str, ...]] = ("namespace",)

    client_id: str = ""
    group: str = ""
    subscription_data: SubscriptionData | None = None
    namespace: str | None = None
