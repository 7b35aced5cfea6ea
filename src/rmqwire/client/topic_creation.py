"""Making a topic at the brokers that have another one (``MQAdminImpl.createTopic``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.client import admin_api
from rmqwire.client.validators import check_topic
from rmqwire.codec.attributes import attributes_text
from rmqwire.codec.headers import CreateTopicRequestHeader
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.names import is_system_topic
from rmqwire.errors import RemotingError, RmqError, RouteNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.client.instance import ClientInstance

logger = logging.getLogger(__name__)

TIMES = 5
READ_AND_WRITE = 6


async def create_topic(
    instance: ClientInstance,
    key: str,
    topic: str,
    queue_num: int,
    topic_sys_flag: int,
    attributes: Mapping[str, str],
) -> None:
    """Make a topic; the arguments and what is raised as of ``MQAdmin.create_topic``."""
    check_topic(topic)
    if is_system_topic(topic):
        raise UsageError(f"The topic[{topic}] is conflict with system topic.")
    if queue_num < 1:
        raise UsageError("queueNum < 1")
    route = await instance.route_of(key)
    masters = {
        broker.broker_name: broker.broker_addrs[MASTER_ID]
        for broker in sorted(route.broker_datas, key=lambda broker: broker.broker_name)
        if MASTER_ID in broker.broker_addrs
    }
    if not masters:
        raise RouteNotFound(f"Not found broker, maybe key is wrong: {key}")
    faults: list[RmqError] = []
    for name, addr in masters.items():
        header = CreateTopicRequestHeader(
            topic=topic,
            default_topic=key,
            read_queue_nums=queue_num,
            write_queue_nums=queue_num,
            perm=READ_AND_WRITE,
            topic_filter_type="SINGLE_TAG",
            topic_sys_flag=topic_sys_flag,
            attributes=attributes_text(attributes),
        )
        try:
            await _create(instance, addr, header)
        except RmqError as error:
            logger.warning("topic %s isn't made at broker %s: %s", topic, name, error)
            faults.append(error)
    if len(faults) == len(masters):
        raise faults[-1]


async def _create(instance: ClientInstance, addr: str, header: CreateTopicRequestHeader) -> None:
    """Ask a broker, again when it can't be reached or doesn't answer.

    Raises:
        RmqError: it has refused, or was asked five times.
    """
    for _ in range(TIMES - 1):
        try:
            return await admin_api.create_topic(instance.api, addr, header)
        except RemotingError as error:
            logger.debug("asking %s again: %s", addr, error)
    return await admin_api.create_topic(instance.api, addr, header)
