"""The offsets of one broadcasting consumer, in a file of its own (Java ``LocalFileOffsetStore``).

``FOLDER/CLIENT_ID/GROUP/offsets.json``, with the file of before as ``offsets.json.bak``; Java's
client goes on from it and the other way round. It is small, and written in the event loop.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import OffsetSerializeWrapper
from rmqwire.consumer.offsets.table import OffsetStore
from rmqwire.errors import ProtocolError, StoreError

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
    """

    def __init__(self, folder: str | None, client_id: str, group: str, release: Release) -> None:
        super().__init__()
        self.path = Path(folder or DEFAULT_FOLDER).expanduser() / client_id / group / "offsets.json"
        self._backup = self.path.with_name("offsets.json.bak")
        self._release = release
        self._stored: dict[MessageQueue, int] = {}
        self._whole = False  # whether there is a file fit to become the backup

    async def load(self) -> None:
        """Read the file, else the one of before.

        Raises:
            StoreError: a file is there, but neither can be read.
        """
        faults = []
        for path in (self.path, self._backup):
            if not path.exists():
                continue
            try:
                self._stored = _read(path)
            except (OSError, ProtocolError) as error:
                faults.append(f"{path} can't be read ({error})")
                continue
            for queue, offset in self._stored.items():
                self.update(queue, offset)
            self._whole = path is self.path
            if faults:
                logger.warning("%s; %s is used instead", faults[0], path)
            return
        if faults:
            raise StoreError(
                f"{'; '.join(faults)}: not consuming as if nothing had been. Restore the file, or "
                "move it and its .bak away to start as a new consumer"
            )

    async def read_from_store(self, queue: MessageQueue) -> int:
        """Return what was stored last, and remember it; NO_OFFSET for a queue that is new."""
        offset = self._stored.get(queue, NO_OFFSET)
        if offset != NO_OFFSET:
            self.update(queue, offset)
        return offset

    async def persist(self, queue: MessageQueue) -> None:
        """Store one queue's offset; failures are logged, the next time repairs them."""
        self._write([queue])

    async def persist_all(self, queues: Container[MessageQueue]) -> None:
        """Store the offsets of ``queues``; what the file says of others stays."""
        self._write(queue for queue in self.of_topic() if queue in queues)

    def _write(self, queues: Iterable[MessageQueue]) -> None:
        found = {queue: offset for queue in queues if (offset := self.get(queue)) != NO_OFFSET}
        table = self._stored | found
        if table == self._stored:
            return
        try:
            data = OffsetSerializeWrapper(dict(sorted(table.items()))).encode(
                self._release, pretty=True
            )
            fresh = self.path.with_name("offsets.json.tmp")
            fresh.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            if self._whole:
                self.path.replace(self._backup)
            fresh.replace(self.path)
        except OSError as error:
            logger.warning("offsets are not stored in %s: %s", self.path, error)
            return
        self._stored, self._whole = table, True


def _read(path: Path) -> dict[MessageQueue, int]:
    """Return the table of a file.

    Raises:
        OSError: it can't be read.
        ProtocolError: it isn't such a table.
    """
    return OffsetSerializeWrapper.decode(path.read_bytes()).offset_table
