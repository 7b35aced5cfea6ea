"""The offsets of one broadcasting consumer, in a file of its own (Java ``LocalFileOffsetStore``).

``FOLDER/CLIENT_ID/GROUP/offsets.json``, with the file of before as ``offsets.json.bak``; Java's
client goes on from it and the other way round. It is small, and written in the event loop, synced
as a broker's tables are.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import OffsetSerializeWrapper
from rmqwire.codec.namespace import NO_NAMESPACE, Namespace
from rmqwire.consumer.offsets.table import OffsetStore
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.release import Release

logger = logging.getLogger(__name__)

DEFAULT_FOLDER = "~/.rocketmq_offsets"  # rocketmq.client.localOffsetStoreDir
NO_OFFSET = -1


class LocalFileOffsetStore(OffsetStore):
    """Offsets of all queues, in a file.

    Args:
        folder: of all clients of this user; None for Java's.
        client_id: whose offsets; it must be the same after a restart.
        group: the consumer group.
        release: how the file is written.
        namespace: of the group and the topics, in the file as at the brokers.
    """

    def __init__(
        self,
        folder: str | None,
        client_id: str,
        group: str,
        release: Release,
        namespace: Namespace = NO_NAMESPACE,
    ) -> None:
        super().__init__()
        self._namespace = namespace
        root = Path(folder or DEFAULT_FOLDER).expanduser()
        self.path = root / client_id / namespace.wrap(group) / "offsets.json"
        self._file = ConfigFile(
            str(self.path), RealFiles(), refused="consuming as if nothing had been"
        )
        self._release = release
        self._stored: dict[MessageQueue, int] = {}

    async def load(self) -> None:
        """Read the file, else the one of before.

        Raises:
            StoreError: a file is there, but neither can be read.
        """
        self._file.load(self._decode)
        for queue, offset in self._stored.items():
            self.update(queue, offset)

    def _decode(self, data: bytes) -> None:
        self._stored = self._namespace.unwrap_keys(OffsetSerializeWrapper.decode(data).offset_table)

    async def read_from_store(self, queue: MessageQueue) -> int:
        """Return what was stored last, and remember it; NO_OFFSET for a queue that is new."""
        offset = self._stored.get(queue, NO_OFFSET)
        if offset != NO_OFFSET:
            self.update(queue, offset)
        return offset

    async def persist(self, queue: MessageQueue) -> None:
        """Store one queue's offset; failures are logged, the next time repairs them."""
        self._write([queue])

    async def store(self, queue: MessageQueue, offset: int) -> None:
        """Store a queue's offset.

        Raises:
            StoreError: the file can't be written.
        """
        try:
            self._persist({queue: offset})
        except OSError as error:
            raise StoreError(f"offsets are not stored in {self.path}: {error}") from error

    async def persist_all(self, queues: Container[MessageQueue]) -> None:
        """Store the offsets of ``queues``; what the file says of others stays."""
        self._write(queue for queue in self.of_topic() if queue in queues)

    def _write(self, queues: Iterable[MessageQueue]) -> None:
        found = {queue: offset for queue in queues if (offset := self.get(queue)) != NO_OFFSET}
        try:
            self._persist(found)
        except OSError as error:
            logger.warning("offsets are not stored in %s: %s", self.path, error)

    def _persist(self, found: dict[MessageQueue, int]) -> None:
        table = self._stored | found
        if table == self._stored:
            return
        wrapper = OffsetSerializeWrapper(self._namespace.wrap_keys(dict(sorted(table.items()))))
        self._file.persist(wrapper.encode(self._release, pretty=True))
        self._stored = table
