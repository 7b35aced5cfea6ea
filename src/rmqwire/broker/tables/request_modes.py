"""Which groups of a broker pop instead of pulling (``MessageRequestModeManager``, 5.x).

Kept for the broker that serves these groups: a slave takes the table over from its master, writes
it into ``messageRequestMode.json`` as Java does, and gives it on when it is asked as a master.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import MessageRequestModeSerializeWrapper
from rmqwire.disk.table_file import TableWriter

if TYPE_CHECKING:
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile


class MessageRequestModeManager:
    """The table and its file.

    Args:
        release: whose JSON is written.
        file: ``config/messageRequestMode.json``.
    """

    def __init__(self, release: Release, file: ConfigFile) -> None:
        self.table = MessageRequestModeSerializeWrapper()
        self._release = release
        self._file = file
        self.writer = TableWriter(file, partial(self.encode, pretty=True))

    def load(self) -> None:
        """Read the file, if there is one.

        Raises:
            StoreError: it is there and can't be read.
        """
        self._file.load(self._decode)

    def _decode(self, data: bytes) -> None:
        self.table = MessageRequestModeSerializeWrapper.decode(data, self._release)

    def encode(self, *, pretty: bool = False) -> bytes:
        """Return the answer of GET_ALL_MESSAGE_REQUEST_MODE, or the file's text."""
        return self.table.encode(self._release, pretty=pretty)

    def take_over(self, data: bytes) -> None:
        """Take a master's table in place of ours; one that says the same isn't written again.

        Args:
            data: the answer of GET_ALL_MESSAGE_REQUEST_MODE.

        Raises:
            BadBody: it isn't one; nothing has changed.
            OSError: the disk refused.
        """
        table = MessageRequestModeSerializeWrapper.decode(data, self._release)
        if table != self.table:
            self.table = table
            self.writer.write()
