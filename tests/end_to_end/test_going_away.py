"""A broker that is to end with ``enableShutdownGracefully`` sends its clients elsewhere first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from rmqwire import Message, Producer
from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.remoting.going_away import V5_3_1
from tests.consumer.test_end_to_end import cluster
from tests.end_to_end.support import HOST, SMALL, Wire

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {
    "listenPort": "0",
    "bindAddress": HOST,
    "brokerIP1": HOST,
    "enableShutdownGracefully": "true",
    "shutdownWaitTimeSeconds": "1",
}


def question(version: int) -> RemotingCommand:
    """Return a request that any broker answers, of a client of some version."""
    command = RemotingCommand.request(RequestCode.GET_BROKER_RUNTIME_INFO)
    command.version = version
    return command


async def test_clients_are_sent_away_and_those_that_do_not_know_it_are_served(
    tmp_path: Path,
) -> None:
    settings = SMALL | SETTINGS | {"storePathRootDir": str(tmp_path / "store")}
    broker, scope = Broker(load_broker_config(None, settings)), trio.CancelScope()

    async def serve(task_status: trio.TaskStatus) -> None:
        with scope:
            await broker.serve(task_status=task_status)

    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(serve)
        wire = Wire(await trio.open_tcp_stream(*addresses.listen))
        assert (await wire.call(question(V5_3_1 + 1))).code == ResponseCode.SUCCESS
        scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        answer = await wire.call(question(V5_3_1 + 1))
        assert (answer.code, answer.remark) == (ResponseCode.GO_AWAY, "please go away")
        assert (await wire.call(question(V5_3_1))).code == ResponseCode.SUCCESS
        assert await wire.frame() is None  # and then it ends
        await wire.stream.aclose()


async def test_a_producer_goes_on_at_another_broker(tmp_path: Path) -> None:
    async with cluster(tmp_path) as namesrv, trio.open_nursery() as nursery:
        settings = {
            **SMALL,
            **SETTINGS,
            "brokerName": "leaving",
            "namesrvAddr": namesrv,
            "storePathRootDir": str(tmp_path / "leaving"),
        }
        broker, scope = Broker(load_broker_config(None, settings)), trio.CancelScope()

        async def serve(task_status: trio.TaskStatus) -> None:
            with scope:
                await broker.serve(task_status=task_status)

        await nursery.start(serve)
        async with Producer("pg", namesrv_addr=namesrv) as producer:
            sent = [await producer.send(Message("T", b"%d" % n)) for n in range(16)]
            assert {one.message_queue.broker_name for one in sent} == {"broker-a", "leaving"}
            scope.cancel()
            await trio.testing.wait_all_tasks_blocked()
            sent = [await producer.send(Message("T", b"%d" % n)) for n in range(16)]
            assert {one.message_queue.broker_name for one in sent} == {"broker-a"}
