"""Questions that go where a topic is: what the subjects of ``Admin`` about groups share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.admin.asking import Asking
from rmqwire.client.route_table import any_addr
from rmqwire.errors import RouteNotFound

if TYPE_CHECKING:
    from rmqwire.codec.bodies import TopicRouteData


class Routed(Asking):
    """The base of the subjects that know a topic or group, not a broker."""

    async def _route(self, *topics: str) -> TopicRouteData:
        """Return the route of the first of these topics that has one.

        Raises:
            RouteNotFound: none of them has.
        """
        for topic in topics:
            route = await self.topic_route(topic)
            if route is not None:
                return route
        raise RouteNotFound(f"No topic route info in name server for the topic: {topics[-1]}")

    async def _addrs_of(self, *topics: str) -> list[str]:
        """Return an address of each broker that has the first of these topics that has a route.

        Raises:
            RouteNotFound: no broker has any of them.
        """
        brokers = (await self._route(*topics)).broker_datas
        found = [addr for one in brokers if (addr := any_addr(one))]
        if not found:
            raise RouteNotFound(f"No broker of the topic: {topics[-1]}")
        return found
