"""Which groups of a broker pop instead of pulling (``MessageRequestModeManager``, 5.x).

SET_MESSAGE_REQUEST_MODE fills it, QUERY_ASSIGNMENT reads it. A slave takes the table over from its
master.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import MessageRequestModeSerializeWrapper
from rmqwire.disk.table_file import TableWriter

if TYPE_CHECKING:
    from rmqwire.codec.bodies import SetMessageRequestModeRequestBody
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile, MakeText


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
        self.writer = TableWriter(file, self._snapshot)

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

    def _snapshot(self) -> MakeText:
        """Return what makes the file's text; modes are replaced, never changed in place."""
        modes = self.table.message_request_mode_map
        copies = MessageRequestModeSerializeWrapper(
            message_request_mode_map={topic: dict(groups) for topic, groups in modes.items()}
        )
        return partial(copies.encode, self._release, pretty=True)

    def find(self, topic: str, group: str) -> SetMessageRequestModeRequestBody | None:
        """Return what was set for a group and topic (``getMessageRequestMode``), None if nothing."""
        return self.table.message_request_mode_map.get(topic, {}).get(group)

    def set(self, mode: SetMessageRequestModeRequestBody) -> None:
        """Set the mode of a group and topic, and write the table.

        Raises:
            OSError: the disk refused; the mode counts until the broker ends.
        """
        self.table.message_request_mode_map.setdefault(mode.topic, {})[mode.consumer_group] = mode
        self.writer.write()

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
