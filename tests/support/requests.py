"""Requests as clients send them, with the fields that tests care about."""

from __future__ import annotations

from typing import Any

from rmqwire.codec.bodies import (
    ConsumerData,
    HeartbeatData,
    ProducerData,
    SubscriptionData,
)
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    ConsumerSendMsgBackRequestHeader,
    CreateTopicRequestHeader,
    PullMessageRequestHeader,
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.release import DEFAULT_RELEASE

BORN_MS = 1_795_228_200_000


def send(
    topic: str = "T", body: bytes = b"hello", code: int = 310, **fields: Any
) -> RemotingCommand:
    """Make a send; ``code`` 10 takes the V1 header."""
    values = {
        "producer_group": "pg",
        "topic": topic,
        "default_topic": "TBW102",
        "default_topic_queue_nums": 4,
        "queue_id": 0,
        "sys_flag": 0,
        "born_timestamp": BORN_MS,
        "flag": 0,
        "properties": "UNIQ_KEY\x01K1\x02TAGS\x01A\x02",
        "reconsume_times": 0,
        "unit_mode": False,
        "batch": False,
    } | fields
    header = SendMessageRequestHeader if code == 10 else SendMessageRequestHeaderV2
    return RemotingCommand.request(code, header(**values), body)


def create_topic(
    topic: str, attributes: str | None = None, queues: int = 1, perm: int = 6
) -> RemotingCommand:
    """Make what creates a topic, as ``mqadmin updateTopic`` sends it."""
    header = CreateTopicRequestHeader(
        topic=topic,
        default_topic="TBW102",
        read_queue_nums=queues,
        write_queue_nums=queues,
        perm=perm,
        topic_filter_type="SINGLE_TAG",
        topic_sys_flag=0,
        order=False,
        attributes=attributes,
    )
    return RemotingCommand.request(17, header)


def pull(topic: str = "T", offset: int = 0, **fields: Any) -> RemotingCommand:
    """Make a pull with a subscription of its own that may wait (sysFlag 6)."""
    values = {
        "consumer_group": "cg",
        "topic": topic,
        "queue_id": 0,
        "queue_offset": offset,
        "max_msg_nums": 32,
        "sys_flag": 6,
        "commit_offset": 0,
        "suspend_timeout_millis": 15_000,
        "subscription": "*",
        "sub_version": 0,
        "expression_type": "TAG",
    } | fields
    return RemotingCommand.request(11, PullMessageRequestHeader(**values))


def send_back(offset: int, group: str = "cg", level: int = 0, **fields: Any) -> RemotingCommand:
    """Make a CONSUMER_SEND_MSG_BACK of the message at a physical offset."""
    header = ConsumerSendMsgBackRequestHeader(
        offset=offset, group=group, delay_level=level, unit_mode=False, **fields
    )
    return RemotingCommand.request(36, header)


def subscription(topic: str, expression: str = "*", version: int = 1) -> SubscriptionData:
    """Make a subscription by tags."""
    tags = [] if expression == "*" else [tag.strip() for tag in expression.split("||")]
    return SubscriptionData(
        topic=topic,
        sub_string=expression,
        sub_version=version,
        tags_set=tags,
        code_set=[string_hash(tag) for tag in tags],
    )


def heartbeat(
    client_id: str = "c1",
    groups: dict[str, list[SubscriptionData]] | None = None,
    producers: tuple[str, ...] = (),
    model: str = "CLUSTERING",
    **fields: Any,
) -> RemotingCommand:
    """Make a heartbeat of a push consumer's groups and of producers."""
    data = HeartbeatData(
        client_id=client_id,
        producer_data_set=[ProducerData(group_name=name) for name in producers],
        consumer_data_set=[
            ConsumerData(
                group_name=name,
                consume_type="CONSUME_PASSIVELY",
                message_model=model,
                consume_from_where="CONSUME_FROM_LAST_OFFSET",
                subscription_data_set=subscriptions,
            )
            for name, subscriptions in (groups or {}).items()
        ],
        **fields,
    )
    return RemotingCommand.request(34, body=data.encode(DEFAULT_RELEASE))
