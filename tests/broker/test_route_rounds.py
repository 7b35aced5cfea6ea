"""A broker asks its name servers for the routes that groups want."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from rmqwire.broker.route_rounds import keep_routes
from rmqwire.codec.bodies import BrokerData, MessageQueue, QueueData, TopicRouteData
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import ConnectFailed
from rmqwire.wakeup import Wakeup
from tests.support.broker import MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = TopicRouteData(
    queue_datas=[QueueData("a", 2, 2, 6, 0), QueueData("b", 4, 4, 2, 0)],
    broker_datas=[BrokerData("C", "a", {0: "10.0.0.1:10911"})],
)


class NameServers:
    """A remoting client whose name servers answer what is in ``answers``, by address."""

    def __init__(self, **answers: RemotingCommand | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def invoke(self, addr: str, command: RemotingCommand, timeout_ms: int) -> RemotingCommand:
        self.asked.append(addr)
        await trio.lowlevel.checkpoint()
        answer = self.answers[addr[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def broker(tmp_path: Path):
    made = MemoryBroker(tmp_path, namesrv_addr="x:1;y:1")
    made.state.mono_ms = lambda: int(trio.current_time() * 1000)
    yield made
    made.close()


def answer(code: int, route: TopicRouteData | None = None) -> RemotingCommand:
    body = b"" if route is None else route.encode()
    return RemotingCommand(code, None, body, flag=1)


async def ask(broker: MemoryBroker, servers: NameServers, topics: list[str]) -> list[object]:
    """Ask for topics; give what was heard within a second."""
    heard: list[object] = []
    wanted = Wakeup()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_routes, servers, broker.state, wanted)
        for topic in topics:
            broker.state.topic_routes.ask(topic, heard.append)
            wanted()
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return heard


async def test_the_first_name_server_that_answers_tells_the_readable_queues(broker, autojump_clock):
    servers = NameServers(x=ConnectFailed("x:1"), y=answer(0, ROUTE))
    heard = await ask(broker, servers, ["T"])
    assert heard == [{MessageQueue("T", "a", 0), MessageQueue("T", "a", 1)}]
    assert servers.asked == ["x:1", "y:1"]


async def test_a_known_topic_is_asked_for_again_each_interval_only(broker, autojump_clock):
    servers = NameServers(x=answer(0, ROUTE))
    assert len(await ask(broker, servers, ["T", "T", "T"])) == 3
    assert servers.asked == ["x:1"]
    heard = await ask(broker, servers, ["T"])
    assert len(heard) == 1
    broker.state.config.load_balance_poll_name_server_interval = 300
    await ask(broker, servers, ["T"])
    assert len(servers.asked) > 3


async def test_a_topic_that_is_gone_is_forgotten(broker, autojump_clock):
    broker.state.topic_routes.found("T", {MessageQueue("T", "a", 0)})
    servers = NameServers(x=answer(17))
    heard = await ask(broker, servers, ["T", "T"])
    assert heard[-1] is None
    assert broker.state.topic_routes.known() == []


async def test_without_an_answer_nothing_is_known_and_nobody_waits(broker, autojump_clock):
    servers = NameServers(x=ConnectFailed("x:1"), y=answer(1))
    assert await ask(broker, servers, ["T"]) == [None]
    assert broker.state.topic_routes.waiting() == []


async def test_what_was_known_counts_on_while_no_name_server_answers(broker, autojump_clock):
    queues = {MessageQueue("T", "a", 0)}
    broker.state.topic_routes.found("T", queues)
    servers = NameServers(x=ConnectFailed("x:1"), y=ConnectFailed("y:1"))
    assert await ask(broker, servers, ["T", "T"]) == [queues, queues]
