"""One JSON table of the broker on disk: Java ``ConfigManager``'s role, without its gaps.

``persist`` writes ``name.tmp``, syncs it, turns the file of before into ``name.bak``, renames and
syncs the folder. At every moment a whole table stands under one of the two names. ``load`` takes
the file, else the backup. When something is there but nothing can be read, it refuses: a broker
that silently started from an empty table would lose topics, or deliver everything again.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rmqwire.errors import ProtocolError, StoreError
from rmqwire.store.files import read_whole, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.store.files import FileLayer

log = logging.getLogger(__name__)


class ConfigFile:
    """A table's file and its backup.

    Args:
        path: where Java keeps it, such as ``store/config/topics.json``.
        files: the file layer.
        holds: a property that a whole table has; without it the file is damaged. ``{}`` would be
            an empty table otherwise.
    """

    def __init__(self, path: str, files: FileLayer, *, holds: str = "") -> None:
        self.path = path
        self.backup = path + ".bak"
        self._files = files
        self._holds = holds
        self._folder = path.rpartition("/")[0] or "."
        self._damaged = False  # the file itself was unreadable: it must not become the backup

    def load(self, decode: Callable[[bytes], None]) -> bool:
        """Hand the table's bytes to ``decode``; False when there's no table yet.

        Args:
            decode: reads the bytes into the caller's table; raises ProtocolError when it can't,
                and then must have changed nothing.

        Raises:
            StoreError: a file is there, but neither it nor its backup can be read.
        """
        faults: list[str] = []
        for path in (self.path, self.backup):
            if not self._files.exists(path):
                continue
            fault = self._try(path, decode)
            if fault is None:
                if faults:
                    log.warning("%s; the backup %s is used instead", faults[0], path)
                self._damaged = bool(faults)
                return True
            faults.append(fault)
        if not faults:
            return False
        raise StoreError(
            f"{'; '.join(faults)}: not starting from an empty table. Restore the file, or move "
            "it and its .bak away to start anew"
        )

    def _try(self, path: str, decode: Callable[[bytes], None]) -> str | None:
        """Give None when the file was read, else what is wrong with it."""
        try:
            data = read_whole(self._files, path)
            if not data.strip():
                return f"{path} is empty"
            if self._holds.encode() not in data:
                return f"{path} is damaged (it holds no {self._holds})"
            decode(data)
        except OSError as error:
            return f"{path} can't be read ({error.strerror})"
        except ProtocolError as error:
            return f"{path} is damaged ({error})"
        return None

    def persist(self, data: bytes) -> None:
        """Replace the table by ``data``, whole or not at all, and keep the former as backup.

        Raises:
            OSError: the disk refused; the former table is still there.
        """
        files = self._files
        files.makedirs(self._folder)
        fresh = self.path + ".tmp"
        write_whole(files, fresh, data)
        if files.exists(self.path) and not self._damaged:
            files.rename(self.path, self.backup)
        files.rename(fresh, self.path)
        files.fsync_dir(self._folder)
        self._damaged = False


class TableWriter:
    """When a table is written: at each change, or once for several that belong together.

    Args:
        file: where to.
        encode: gives the table's text.
    """

    def __init__(self, file: ConfigFile, encode: Callable[[], bytes]) -> None:
        self._file = file
        self._encode = encode
        self._holding = False
        self._wanted = False

    def write(self) -> None:
        """Write the table now, or at the end of :meth:`together`."""
        if self._holding:
            self._wanted = True
        else:
            self._file.persist(self._encode())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write once, at the end, for all changes made inside."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            if self._wanted:
                self._wanted = False
                self.write()


def config_path(store_root: str, name: str) -> str:
    """Give the place of a table under the store's root (Java ``BrokerPathConfigHelper``)."""
    return f"{store_root.rstrip('/')}/config/{name}"
