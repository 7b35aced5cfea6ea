"""Asking name servers for the routes that ``TopicRoutes`` wants, and again from time to time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec import bodies, headers
from rmqwire.codec.allocation import publish_queues, subscribe_queues
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import ProtocolError, RemotingError

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.remoting.client import RemotingClient
    from rmqwire.wakeup import Wakeup

TIMEOUT_MS = 3_000  # TopicRouteInfoManager.GET_TOPIC_ROUTE_TIMEOUT
logger = logging.getLogger(__name__)


async def keep_routes(client: RemotingClient, state: BrokerState, wanted: Wakeup) -> None:
    """Ask until cancelled.

    Args:
        client: asks the name servers.
        state: whose ``topic_routes`` are kept.
        wanted: called when a topic must be asked for at once.
    """
    routes = state.topic_routes
    next_poll_ms = state.mono_ms()
    while True:
        topics = routes.waiting()
        if state.mono_ms() >= next_poll_ms:
            topics = list(dict.fromkeys(topics + routes.known()))
            next_poll_ms = state.mono_ms() + state.config.load_balance_poll_name_server_interval
        for topic in topics:
            await _ask(client, state, topic)
        await wanted.wait((next_poll_ms - state.mono_ms()) / 1000)


async def _ask(client: RemotingClient, state: BrokerState, topic: str) -> None:
    """Ask the name servers one after the other until one answers."""
    routes = state.topic_routes
    for addr in state.config.namesrv_addresses():
        request = RemotingCommand.request(
            int(RequestCode.GET_ROUTEINFO_BY_TOPIC), headers.GetRouteInfoRequestHeader(topic=topic)
        )
        try:
            response = await client.invoke(addr, request, TIMEOUT_MS)
            if response.code == ResponseCode.SUCCESS:
                route = bodies.TopicRouteData.decode(response.body, state.release)
                routes.found(topic, subscribe_queues(topic, route), publish_queues(topic, route))
                return
        except (RemotingError, ProtocolError) as error:
            logger.warning("route of %s not asked of name server %s: %s", topic, addr, error)
            continue
        if response.code == ResponseCode.TOPIC_NOT_EXIST:
            routes.gone(topic)
            return
        logger.warning("name server %s gives no route of %s: %s", addr, topic, response.remark)
    routes.unknown(topic)
