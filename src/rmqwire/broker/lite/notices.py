"""Telling clients that they have lost a lite topic (``Broker2Client.notifyUnsubscribeLite``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec import headers
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.lite_topic import split_lmq
from rmqwire.errors import RemotingError

if TYPE_CHECKING:
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)


class UnsubscribeNotices:
    """Sends NOTIFY_UNSUBSCRIBE_LITE.

    Args:
        release: whose version the notices announce.

    Attributes:
        connections: client -> the connection on which it subscribed last.
    """

    def __init__(self, release: Release) -> None:
        self._release = release
        self.connections: dict[str, Peer] = {}

    def send(self, client_id: str, group: str, lmq: str) -> None:
        """Tell a client, if it is there."""
        connection, names = self.connections.get(client_id), split_lmq(lmq)
        if connection is None or names is None:
            logger.warning("client %s isn't there to hear that it lost %s", client_id, lmq)
            return
        header = headers.NotifyUnsubscribeLiteRequestHeader(
            lite_topic=names[1], consumer_group=group, client_id=client_id
        )
        notice = RemotingCommand.request(int(RequestCode.NOTIFY_UNSUBSCRIBE_LITE), header)
        notice.version = self._release.mq_version
        try:
            connection.send_oneway(notice)
        except RemotingError as error:
            logger.warning("client %s not told that it lost %s: %s", client_id, lmq, error)

    def connection_closed(self, connection: Peer) -> None:
        """Forget a connection; what was subscribed on it stays until its time is up, as in Java."""
        for client_id in [one for one, peer in self.connections.items() if peer is connection]:
            del self.connections[client_id]
