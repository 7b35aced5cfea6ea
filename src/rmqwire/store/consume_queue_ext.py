"""Extension units of consume queues (Java ``ConsumeQueueExt``), read only.

With ``enableConsumeQueueExt`` Java puts the address of an extension unit where a unit has its tags
code; the unit holds the code, the store time and the bits of filters. Queues that Java wrote so are
filtered by the code there. A code that can't be found counts as wanted: the client filters too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import EXT_MAX_ADDRESS, ext_offset, unpack_ext_unit
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.consume_queue import ConsumeQueueExtUnit
    from rmqwire.store.files import FileLayer

FOLDER = "consumequeue_ext"
_WINDOW = 64 * 1024  # bytes read at once: twice the largest unit
_LARGEST = 32 * 1024
_NAME_DIGITS = 20


class ConsumeQueueExt:
    """The extension files of one queue.

    Args:
        files: the disk.
        folder: where they are.
    """

    __slots__ = ("_files", "_segments", "_window", "_window_start")

    def __init__(self, files: FileLayer, folder: str) -> None:
        self._files = files
        names = [name for name in files.list(folder) if len(name) == _NAME_DIGITS]
        self._segments = [
            (int(name), f"{folder}/{name}", files.size(f"{folder}/{name}"))
            for name in names
            if name.isascii() and name.isdigit()
        ]
        self._window = b""
        self._window_start = 0

    def unit(self, address: int) -> ConsumeQueueExtUnit | None:
        """Give the unit that a tags code is the address of, None if there is none.

        Raises:
            OSError: the disk failed.
        """
        offset = ext_offset(address)
        if offset is None:
            return None
        at = self._show(offset)
        try:
            return unpack_ext_unit(self._window, at)
        except BadRecord:
            return None

    def _show(self, offset: int) -> int:
        """Have the unit at ``offset`` in the window; give its position there."""
        at = offset - self._window_start
        if 0 <= at <= len(self._window) - _LARGEST:
            return at
        self._window, self._window_start = b"", offset
        for start, path, size in self._segments:
            if start <= offset < start + size:
                handle = self._files.open(path)
                try:
                    self._window = self._files.pread(handle, _WINDOW, offset - start)
                finally:
                    self._files.close(handle)
        return 0


class ConsumeQueueExts:
    """The extension files of all queues of a store.

    Args:
        root: the store's folder.
        files: the disk.
    """

    def __init__(self, root: str, files: FileLayer) -> None:
        self._folder = f"{root}/{FOLDER}"
        self._files = files
        self.topics: set[str] = set()
        self._queues: dict[tuple[str, int], ConsumeQueueExt] = {}

    def load(self) -> None:
        """See which topics have extension files.

        Raises:
            OSError: the disk failed.
        """
        self._queues.clear()
        self.topics = set(self._files.list(self._folder))

    def tags_code(self, topic: str, queue_id: int, code: int) -> int | None:
        """Give the tags code of a unit, from its extension unit if it is an address.

        Returns:
            None when the extension unit is not there.
        """
        if code > EXT_MAX_ADDRESS:
            return code
        queue = self._queues.get((topic, queue_id))
        if queue is None:
            folder = f"{self._folder}/{topic}/{queue_id}"
            queue = self._queues[topic, queue_id] = ConsumeQueueExt(self._files, folder)
        unit = queue.unit(code)
        return unit.tags_code if unit is not None else None

    def matching(
        self, topic: str, queue_id: int, matches: Callable[[int], bool]
    ) -> Callable[[int], bool]:
        """Make a filter of tags codes one of codes and addresses."""

        def match(code: int) -> bool:
            found = self.tags_code(topic, queue_id, code)
            return found is None or matches(found)

        return match
