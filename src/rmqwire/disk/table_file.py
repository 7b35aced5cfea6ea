"""JSON tables on disk: Java ``ConfigManager``'s role, without its gaps.

``persist`` writes ``name.tmp``, syncs it, turns the file of before into ``name.bak``, renames and
syncs the folder. At every moment a whole table stands under one of the two names. ``load`` takes
the file, else the backup. When something is there but nothing can be read, it refuses: a broker
that silently started from an empty table would lose topics, or deliver everything again. Only where
nothing is lost with a table is it ``optional``: a Java broker that is killed while it writes its
first one leaves an empty file without a backup.

``TableWriter`` says when. By itself it writes at once; when :class:`TableWrites` looks after it, the
event loop only hands over what the table is now, and a thread makes the text and meets the disk. So
neither a large table nor a slow disk holds up anybody but those whose requests changed a table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.disk.files import make_folder, read_whole, write_whole
from rmqwire.errors import ProtocolError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rmqwire.disk.files import FileLayer

logger = logging.getLogger(__name__)

# Makes a table's text; it may run in a thread, while the table goes on changing.
MakeText = Callable[[], bytes]


def at_once(encode: Callable[[], bytes]) -> Callable[[], MakeText]:
    """Return the snapshot of a table so small that its text may be made in the event loop."""

    def snapshot() -> MakeText:
        data = encode()
        return lambda: data

    return snapshot


class ConfigFile:
    """A table's file and its backup.

    Args:
        path: where Java keeps it, such as ``store/config/topics.json``.
        files: the file layer.
        holds: a property that a whole table has; without it the file is damaged. ``{}`` would be
            an empty table otherwise.
        refused: what ``load`` doesn't do when nothing can be read, in words.
        private: it is for its owner alone.
        optional: ``load`` warns when nothing can be read, and goes on as without a file.
    """

    def __init__(
        self,
        path: str,
        files: FileLayer,
        *,
        holds: str = "",
        refused: str = "starting from an empty table",
        private: bool = False,
        optional: bool = False,
    ) -> None:
        self.path = path
        self.backup = path + ".bak"
        self._files = files
        self._holds = holds
        self._refused = refused
        self._private = private
        self._optional = optional
        self._folder = path.rpartition("/")[0] or "."
        self._damaged = False  # the file itself was unreadable: it must not become the backup

    def load(self, decode: Callable[[bytes], None]) -> bool:
        """Hand the table's bytes to ``decode``; False when there's no table to read.

        Args:
            decode: reads the bytes into the caller's table; raises ProtocolError when it can't,
                and then must have changed nothing.

        Raises:
            StoreError: a file is there, but neither it nor its backup can be read, and the table
                isn't optional.
        """
        faults: list[str] = []
        for path in (self.path, self.backup):
            if not self._files.exists(path):
                continue
            fault = self._try(path, decode)
            if fault is None:
                if faults:
                    logger.warning("%s; the backup %s is used instead", faults[0], path)
                self._damaged = bool(faults)
                return True
            faults.append(fault)
        if not faults:
            return False
        if self._optional:
            logger.warning("%s: starting without it", "; ".join(faults))
            return False
        raise StoreError(
            f"{'; '.join(faults)}: not {self._refused}. Restore the file, or move "
            "it and its .bak away to start from nothing"
        )

    def _try(self, path: str, decode: Callable[[bytes], None]) -> str | None:
        """Return None when the file was read, else what is wrong with it."""
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
        make_folder(files, self._folder)
        fresh = self.path + ".tmp"
        write_whole(files, fresh, data, private=self._private)
        if files.exists(self.path) and not self._damaged:
            files.rename(self.path, self.backup)
        files.rename(fresh, self.path)
        files.fsync_dir(self._folder)
        self._damaged = False


class TableWriter:
    """When a table is written: at each change, or once for several that belong together.

    Args:
        file: where to.
        snapshot: called in the event loop: takes the table as it is, or what changed since it was
            called last, and returns what makes the table's text of it.

    Attributes:
        wanted: the table has changed and isn't written yet.
        on_wanted: called instead of writing, by whom the table is to be written soon.
    """

    def __init__(self, file: ConfigFile, snapshot: Callable[[], MakeText]) -> None:
        self.wanted = False
        self.on_wanted: Callable[[], None] | None = None
        self._file = file
        self._snapshot = snapshot
        self._holding = False
        self._changed = False  # while holding

    def write(self) -> None:
        """Write the table now, or at the end of :meth:`together`, or have it written.

        Raises:
            OSError: the disk refused; the table is still wanted.
        """
        if self._holding:
            self._changed = True
            return
        self.wanted = True
        if self.on_wanted is None:
            self.take()()
        else:
            self.on_wanted()

    def take(self) -> Callable[[], None]:
        """Return what writes the table as it is now; it may run in a thread, one at a time.

        It raises OSError when the disk refuses; the table is wanted again then.
        """
        make_text = self._snapshot()
        self.wanted = False
        return partial(self._persist, make_text)

    def _persist(self, make_text: MakeText) -> None:
        try:
            self._file.persist(make_text())
        except Exception:
            self.wanted = True
            raise

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write once, at the end, for all changes made inside."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            if self._changed:
                self._changed = False
                self.write()


class TableWrites:
    """Which of a broker's tables wait to be written elsewhere than in the event loop.

    Args:
        answered: tables that requests change: the answer waits until they are on the disk.
        timed: tables that are written from time to time; nobody waits for them.
    """

    def __init__(self, answered: Sequence[TableWriter], timed: Sequence[TableWriter]) -> None:
        self._answered = answered
        self._timed = timed

    def start(self, on_request: Callable[[], None], on_time: Callable[[], None]) -> None:
        """From now on tell instead of writing; the callee uses :meth:`take`.

        Args:
            on_request: a table of ``answered`` is to be written.
            on_time: one of ``timed`` is.
        """
        for writer in self._answered:
            writer.on_wanted = on_request
        for writer in self._timed:
            writer.on_wanted = on_time

    def stop(self) -> None:
        """Let tables be written at once again, where they change."""
        for writer in self._writers():
            writer.on_wanted = None

    def _writers(self) -> tuple[TableWriter, ...]:
        return (*self._answered, *self._timed)

    @property
    def waiting(self) -> bool:
        """A table is to be written, maybe again because the disk refused."""
        return any(writer.wanted for writer in self._writers())

    def take(self) -> Callable[[], None]:
        """Return what writes the tables that wait, as they are now. Meant for a thread.

        It raises the first OSError after it has tried all; what failed waits again.
        """
        return partial(_write_all, [writer.take() for writer in self._writers() if writer.wanted])


def _write_all(writes: list[Callable[[], None]]) -> None:
    failure: OSError | None = None
    for write in writes:
        try:
            write()
        except OSError as error:
            failure = failure or error
    if failure is not None:
        raise failure


def config_path(store_root: str, name: str) -> str:
    """Return the place of a table under the store's root (Java ``BrokerPathConfigHelper``)."""
    return f"{store_root.rstrip('/')}/config/{name}"
