"""Which groups of a broker pop instead of pulling (``MessageRequestModeManager``, 5.x).

SET_MESSAGE_REQUEST_MODE fills it, QUERY_ASSIGNMENT reads it. A slave takes the table over from its
master.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec import bodies
from rmqwire.disk.table_file import TableWriter

if TYPE_CHECKING:
    from rmqwire.codec.bodies import SetMessageRequestModeRequestBody
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile, MakeText

    Modes = dict[str, dict[str, SetMessageRequestModeRequestBody]]


class MessageRequestModeManager:
    """The table and its file.

    Args:
        release: whose JSON is written.
        file: ``config/messageRequestMode.json``.

    Attributes:
        modes: topic -> group -> what was set.
    """

    def __init__(self, release: Release, file: ConfigFile) -> None:
        self.modes: Modes = {}
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
        self.modes = self._read(data)

    def _read(self, data: bytes) -> Modes:
        table = bodies.MessageRequestModeSerializeWrapper.decode(data, self._release)
        return table.message_request_mode_map

    def encode(self) -> bytes:
        """Return the answer of GET_ALL_MESSAGE_REQUEST_MODE."""
        return bodies.MessageRequestModeSerializeWrapper(self.modes).encode(self._release)

    def _snapshot(self) -> MakeText:
        """Return what makes the file's text; modes are replaced, never changed in place."""
        copies = bodies.MessageRequestModeSerializeWrapper(
            {topic: dict(groups) for topic, groups in self.modes.items()}
        )
        return partial(copies.encode, self._release, pretty=True)

    def find(self, topic: str, group: str) -> SetMessageRequestModeRequestBody | None:
        """Return what was set for a group and topic (``getMessageRequestMode``), None if nothing."""
        return self.modes.get(topic, {}).get(group)

    def set(self, mode: SetMessageRequestModeRequestBody) -> None:
        """Set the mode of a group and topic, and write the table.

        Raises:
            OSError: the disk refused; the mode counts until the broker ends.
        """
        self.modes.setdefault(mode.topic, {})[mode.consumer_group] = mode
        self.writer.write()

    def take_over(self, data: bytes) -> None:
        """Take a master's table in place of ours; one that says the same isn't written again.

        Args:
            data: the answer of GET_ALL_MESSAGE_REQUEST_MODE.

        Raises:
            BadBody: it isn't one; nothing has changed.
            OSError: the disk refused.
        """
        modes = self._read(data)
        if modes != self.modes:
            self.modes = modes
            self.writer.write()
