"""Tell the members of a group that it changed (Java ``DefaultConsumerIdsChangeListener``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec import headers
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import TooManyRequests

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)


class ConsumerIdsChangeListener:
    """Sends NOTIFY_CONSUMER_IDS_CHANGED.

    Args:
        config: ``notifyConsumerIdsChangedEnable``, which may change while the broker runs.
        release: whose version the notices announce.
    """

    def __init__(self, config: BrokerConfig, release: Release) -> None:
        self._config = config
        self._release = release

    def __call__(self, group: str, members: list[Peer]) -> None:
        """Ask every member of a group to rebalance."""
        if not self._config.notify_consumer_ids_changed_enable:
            return
        header = headers.NotifyConsumerIdsChangedRequestHeader(consumer_group=group)
        for member in members:
            notice = RemotingCommand.request(int(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED), header)
            notice.version = self._release.mq_version
            try:
                member.send_oneway(notice)
            except TooManyRequests as error:
                logger.warning("rebalance notice of group %s: %s", group, error)
