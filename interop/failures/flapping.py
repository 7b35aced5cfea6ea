"""A name server that can't make up its mind: its route is another one each second or so."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from rmqwire.codec import RemotingCommand
from rmqwire.codec.bodies import BrokerData, QueueData, TopicRouteData
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.handler import Peer, Reject
from rmqwire.remoting.server import RemotingServer

QUEUES = 4
PERIOD_S = 1.3  # clients look each second: each sees most of it


def route(brokers: dict[str, str], read_only: Sequence[str] = ()) -> TopicRouteData:
    """Return a route with some brokers (address by name), of which some take no messages."""
    return TopicRouteData(
        queue_datas=[
            QueueData(name, QUEUES, QUEUES, PERM_READ | (0 if name in read_only else PERM_WRITE))
            for name in brokers
        ],
        broker_datas=[BrokerData("DefaultCluster", name, {0: at}) for name, at in brokers.items()],
    )


class FlappingNameServer:
    """Answers look-ups of routes, and nothing else.

    Args:
        steady: the route told before and after.
        others: those told in turn while it flaps, for PERIOD_S each; None: there is none.
    """

    def __init__(self, steady: TopicRouteData, others: Sequence[TopicRouteData | None]) -> None:
        self._steady = steady
        self._others = others
        self._since: float | None = None

    async def flap(self) -> None:
        """Tell each of the others twice."""
        self._since = trio.current_time()
        await trio.sleep(2 * PERIOD_S * len(self._others))
        self._since = None

    def _told(self) -> TopicRouteData | None:
        if self._since is None:
            return self._steady
        turn = int((trio.current_time() - self._since) / PERIOD_S)
        return self._others[turn % len(self._others)]

    async def serve(self, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve on a free port of 127.0.0.1 until cancelled; started with its address."""
        handlers = HandlerTable(handlers={int(RequestCode.GET_ROUTEINFO_BY_TOPIC): self._answer})
        async with trio.open_nursery() as nursery:
            host, port = await nursery.start(RemotingServer(handlers).serve, "127.0.0.1", 0)
            task_status.started(f"{host}:{port}")

    def _answer(self, _peer: Peer, request: RemotingCommand) -> RemotingCommand:
        told = self._told()
        if told is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, "none just now")
        return request.create_response(body=told.encode(standard=True))
