"""D12: a connection's task is cancelled at each of its checkpoints, in turn."""

from __future__ import annotations

import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.record import iter_messages
from rmqwire.remoting.server import RemotingServer
from tests.support import requests
from tests.support.broker import MemoryBroker

BODIES = (b"one", b"two", b"three")


class CancelAt(trio.abc.Instrument):
    """Cancel a scope when a task and those below it have run so many times."""

    def __init__(self, step):
        self.steps = 0
        self.scope = trio.CancelScope()
        self._last = step
        self.tasks = set()

    def task_spawned(self, task):
        if task.parent_nursery is not None and task.parent_nursery.parent_task in self.tasks:
            self.tasks.add(task)

    def before_task_step(self, task):
        if task in self.tasks:
            self.steps += 1
            if self.steps == self._last:
                self.scope.cancel()


def frames():
    """Sends that make a topic, a heartbeat that makes a group, an offset, pulls that wait or not."""
    commands = [requests.send("T", body) for body in BODIES]
    commands.append(requests.heartbeat("c1", {"cg": [requests.subscription("T")]}))
    fields = {"consumerGroup": "cg", "topic": "T", "queueId": "0", "commitOffset": "2"}
    commands.append(RemotingCommand(15, fields))
    commands += [requests.pull("T", 0), requests.pull("T", 3)]
    return commands


async def cancelled_run(broker, step):
    """Serve one connection until its task was cancelled; give the answers and the steps made."""
    core = broker.core
    server = RemotingServer(
        core.handlers, on_close=core.connection_closed, end_of_pass=core.state.store.puts.end_pass
    )
    instrument = CancelAt(step)
    client, stream = trio.testing.memory_stream_pair()
    commands = frames()

    async def serve():
        with instrument.scope:
            instrument.tasks.add(trio.lowlevel.current_task())
            await server.serve_stream(stream, "127.0.0.1:40000")

    trio.lowlevel.add_instrument(instrument)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            for number, command in enumerate(commands):
                if instrument.scope.cancelled_caught:
                    break
                await send_slowly(client, encode_command(command), number)
            await client.send_eof()
            await trio.testing.wait_all_tasks_blocked()
            instrument.scope.cancel()
    finally:
        trio.lowlevel.remove_instrument(instrument)
    return commands, await answers_of(client), instrument.steps


async def send_slowly(client, data, number):
    """Send whole frames and cut ones, so that passes of both kinds are cancelled."""
    cut = len(data) // 2 if number % 2 else len(data)
    for part in (data[:cut], data[cut:]):
        if part:
            try:
                await client.send_all(part)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            await trio.testing.wait_all_tasks_blocked()


async def answers_of(client):
    data = b""
    try:
        while part := await client.receive_some():
            data += part
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    found = {}
    while len(data) >= 4 and len(data) >= (size := 4 + int.from_bytes(data[:4], "big")):
        answer = decode_command(data[:size])
        found[answer.opaque] = answer
        data = data[size:]
    return found


def check(broker, commands, answers):
    """What was answered was done; what was done was done wholly; the next call works."""
    store = broker.state.store
    stored = store.max_offset("T", 0)
    acked = [c for c in commands[: len(BODIES)] if c.opaque in answers]
    assert all(answers[c.opaque].code == 0 for c in acked)
    assert len(acked) <= stored <= len(BODIES)
    assert ("cg" in broker.state.groups.table) or commands[3].opaque not in answers
    if commands[4].opaque in answers:
        assert broker.state.offsets.query("cg", "T", 0) == 2
    client = broker.connect()
    answer = client.call(requests.send("T", b"after"))
    assert (answer.code, answer.ext_fields["queueOffset"]) == (0, str(stored))
    pulled = client.call(requests.pull("T", 0))
    bodies = [message.body for message in iter_messages(bytes(pulled.body))]
    assert bodies == [*BODIES[:stored], b"after"]


async def test_d12_cancelled_at_every_checkpoint(tmp_path):
    swept, step = 0, 0
    while swept == step:
        step += 1
        broker = MemoryBroker(tmp_path / str(step))
        commands, answers, steps = await cancelled_run(broker, step)
        check(broker, commands, answers)
        assert len(broker.state.held_pulls) == 0
        broker.close()
        swept += steps >= step
    assert swept > 20
    assert set(answers) >= {command.opaque for command in commands[:-1]}
