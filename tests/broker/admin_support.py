"""A broker without sockets for the tests of administration requests."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from rmqwire.broker.core import BrokerCore
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.broker.signals import BrokerSignals
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.headers import Header
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.remoting.connection import Connection
from rmqwire.store.config import StoreConfig
from rmqwire.store.results import MessageInner
from tests.support.memory_files import MemoryFiles

NOW_MS = 1_700_000_000_000
PEER = "127.0.0.1:40000"


class AdminBroker:
    """Tables, store and administration of one broker; ``ask`` goes through a real connection."""

    def __init__(
        self,
        release: Release = DEFAULT_RELEASE,
        files: MemoryFiles | None = None,
        **settings: object,
    ) -> None:
        self.now_ms = NOW_MS
        config = BrokerConfig(broker_name="gold-a", broker_cluster_name="GoldCluster")
        if not release.broker.server_side_reset:
            config.use_server_side_reset_offset = False
        for name, value in settings.items():
            setattr(config, name, value)
        store = StoreConfig(
            store_path_root_dir="store",
            mapped_file_size_commit_log=65536,
            mapped_file_size_consume_queue=2000,
            max_hash_slot_num=50,
            max_index_num=200,
        )
        self.release = release
        self.files = files or MemoryFiles()
        self.core = BrokerCore(
            LoadedConfig(config, store, release, []),
            self.files,
            self.clock,
            Random(1),
            signals=BrokerSignals(register_soon=self._registered),
        )
        self.state = self.core.state
        self.registrations = 0
        self.core.open()
        self.connection = Connection(self.core.handlers, peer=PEER)

    def clock(self) -> int:
        return self.now_ms

    def _registered(self, _topics: Collection[str]) -> None:
        self.registrations += 1

    def ask(
        self,
        code: int,
        header: Header | None = None,
        body: bytes = b"",
        fields: dict[str, str] | None = None,
    ) -> RemotingCommand:
        """Send one request, give the answer."""
        request = RemotingCommand(code, fields if header is None else header.encode(), body)
        return self.send(encode_command(request))

    def frame(self, code: int, body: bytes = b"") -> bytes:
        """Return the frame of a request whose answer may come later."""
        return encode_command(RemotingCommand(code, None, body))

    def send(self, frame: bytes) -> RemotingCommand:
        """Send the frame of one request, give the answer."""
        self.connection.receive_data(frame)
        return decode_command(self.connection.data_to_send())

    def put(self, topic: str, queue_id: int, count: int = 1) -> None:
        """Store messages."""
        for number in range(count):
            message = MessageInner(
                topic=topic,
                queue_id=queue_id,
                flag=0,
                sys_flag=0,
                properties=b"",
                body=b"body%d" % number,
                tags_code=0,
                born_timestamp=self.now_ms,
                born_host=bytes([127, 0, 0, 1, 0, 0, 0, 1]),
            )
            self.state.store.puts.put(message, lambda result: None)
            self.state.store.puts.end_pass()
            self.now_ms += 1000

    def close(self) -> None:
        self.state.store.close()
