"""Look topics up before anything is sent to them (``DefaultMQProducerImpl.initTopicRoute``).

The first send of a fresh producer asks a name server and connects to a broker. A producer that is set
to ``topics`` has done both before it is open.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.producer.config import ProducerConfig
    from rmqwire.producer.sender import Sender

logger = logging.getLogger(__name__)


async def warm_up(sender: Sender, instance: ClientInstance, config: ProducerConfig) -> None:
    """Look the topics up that are set, and tell their brokers of this client."""
    for topic in config.topics or ():
        try:
            await sender.publish_info(topic, config.send_msg_timeout)
        except RmqError as error:
            logger.warning("topic %s can't be looked up before it is sent to: %s", topic, error)
    if config.topics:
        await instance.heartbeat()
