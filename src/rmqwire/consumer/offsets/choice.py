"""Which offset store a consumer has (``DefaultMQPushConsumerImpl.start``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.consumer.offsets.local import LocalFileOffsetStore
from rmqwire.consumer.offsets.remote import RemoteBrokerOffsetStore

if TYPE_CHECKING:
    from rmqwire.client.instance import ClientInstance
    from rmqwire.consumer.config import ConsumerConfig
    from rmqwire.consumer.offsets.table import OffsetStore

logger = logging.getLogger(__name__)


def choose_offset_store(
    own: OffsetStore | None, group: str, config: ConsumerConfig, instance: ClientInstance
) -> OffsetStore:
    """Return the user's own, else the brokers' for a group that shares its messages, else a file."""
    if own is not None:
        return own
    if not config.broadcasting:
        return RemoteBrokerOffsetStore(group, instance)
    client_id = instance.client_id
    if "#" in config.instance_name:
        logger.warning(
            "the offsets of broadcasting consumer %s stand under the client id %s, which is another "
            "after each start: give the shared Client an instance_name",
            group,
            client_id,
        )
    return LocalFileOffsetStore(
        config.local_offset_store_dir, client_id, group, config.release, instance.namespace
    )
