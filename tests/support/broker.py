"""A broker in memory: tables, store and processors behind connections without sockets."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import TYPE_CHECKING

from rmqwire.broker.core import BrokerCore
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.broker.signals import BrokerSignals
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.disk.files import RealFiles
from rmqwire.remoting.connection import Connection
from rmqwire.store.config import StoreConfig

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.disk.files import FileLayer

START_MS = 1_795_228_300_000


def commands(data: bytes) -> list[RemotingCommand]:
    """Return the commands of whole frames."""
    found = []
    while data:
        size = 4 + int.from_bytes(data[:4], "big")
        found.append(decode_command(data[:size]))
        data = data[size:]
    return found


class Clock:
    """A wall clock that stands still until it's moved."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.ms = now_ms

    def __call__(self) -> int:
        return self.ms


class Client:
    """One connection to a :class:`MemoryBroker`, spoken to in whole frames."""

    def __init__(self, broker: MemoryBroker, peer: str) -> None:
        self.broker = broker
        self.connection = Connection(broker.core.handlers, peer, local="127.0.0.1:10911")
        self.received: list[RemotingCommand] = []

    def feed(self, frames: bytes) -> None:
        """Let the broker read these bytes, as one pass."""
        self.connection.receive_data(frames)
        self.broker.core.state.store.puts.end_pass()
        self.drain()

    def drain(self) -> None:
        """Take what the broker has sent."""
        self.received += commands(self.connection.data_to_send())

    def call(self, command: RemotingCommand) -> RemotingCommand:
        """Send a request and give its answer; fails when there is none yet."""
        answer = self.ask(command)
        assert answer is not None, f"no answer to {command}"
        return answer

    def ask(self, command: RemotingCommand) -> RemotingCommand | None:
        """Send a request; give its answer, or None when the broker keeps it for later."""
        self.feed(encode_command(command))
        return self.answer_to(command)

    def answer_to(self, command: RemotingCommand) -> RemotingCommand | None:
        """Return the answer to a request that was sent, if it came."""
        self.drain()
        for received in self.received:
            if received.is_response and received.opaque == command.opaque:
                return received
        return None

    def close(self) -> None:
        """Close the connection."""
        self.connection.connection_lost()
        self.broker.core.connection_closed(self.connection)


class MemoryBroker:
    """A :class:`BrokerCore` with a clock of its own, on files in a folder."""

    def __init__(
        self,
        folder: Path,
        release: Release = DEFAULT_RELEASE,
        *,
        now_ms: int | None = None,
        files: FileLayer | None = None,
        **settings: object,
    ) -> None:
        self.clock = Clock()
        if now_ms is not None:
            self.clock.ms = now_ms
        store = StoreConfig(
            store_path_root_dir=str(folder),
            mapped_file_size_commit_log=4 * 1024 * 1024,
            mapped_file_size_consume_queue=6000,
        )
        broker = BrokerConfig(
            broker_name="broker-a", broker_ip1="127.0.0.1", broker_ip2="127.0.0.1"
        )
        for name, value in settings.items():
            setattr(store if hasattr(store, name) else broker, name, value)
        self.loaded = LoadedConfig(broker, store, release, [])
        self.registrations = 0
        self.core = BrokerCore(
            self.loaded,
            files or RealFiles(),
            self.clock,
            Random(7),
            pid=4321,
            signals=BrokerSignals(register_soon=self._count),
        )
        self.core.open()
        self.state = self.core.state
        self._ports = iter(range(40000, 60000))

    def _count(self, _topics: Collection[str]) -> None:
        self.registrations += 1

    def connect(self, peer: str | None = None) -> Client:
        """Open a connection."""
        return Client(self, peer or f"127.0.0.1:{next(self._ports)}")

    def pass_time(self, milliseconds: int) -> None:
        """Let the clock go on, and everything that waits for it happen."""
        self.clock.ms += milliseconds
        state = self.state
        while (due := state.schedule.deliver_due()) is not None and due <= self.clock.ms:
            state.store.puts.end_pass()
        state.transactions.write_ops()
        state.store.puts.end_pass()
        while (due := state.timers.step()) is not None and due <= self.clock.ms:
            state.store.puts.end_pass()
        state.store.puts.end_pass()
        state.held_pulls.expire(self.clock.ms)

    def close(self) -> None:
        """Stop the broker."""
        self.core.close()
