"""Find the files of a log: RocketMQ names each by the offset of its first byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

NAME_LENGTH = 20  # digits, UtilAll.offset2FileName


@dataclass(slots=True)
class Segment:
    """One file of a log: ``start`` is the offset of its first byte, ``named`` from its name."""

    path: Path
    start: int
    size: int
    named: bool = True

    @property
    def end(self) -> int:
        """Offset behind its last byte."""
        return self.start + self.size


def is_segment_name(name: str) -> bool:
    """Return whether a file is named as RocketMQ names a log's files."""
    return len(name) == NAME_LENGTH and name.isascii() and name.isdigit()


def segments(path: Path, inside: str = "") -> list[Segment]:
    """Return the files of a log in order.

    Args:
        path: one file, the log's folder, or a folder that has the log in a folder ``inside``.
        inside: e.g. ``commitlog``, so that the store's root can be given too.

    Raises:
        StoreError: nothing there, or no file of a log in it.
    """
    try:
        return _segments(path, inside)
    except OSError as error:
        raise _unreadable(path, error) from None


def _segments(path: Path, inside: str) -> list[Segment]:
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder")
    if path.is_file():
        named = is_segment_name(path.name)
        return [Segment(path, int(path.name) if named else 0, path.stat().st_size, named)]
    if inside and (path / inside).is_dir():
        path = path / inside
    found = sorted(entry for entry in path.iterdir() if is_segment_name(entry.name))
    if not found:
        raise StoreError(f"{path}: no log files (names of {NAME_LENGTH} digits) in this folder")
    return [Segment(entry, int(entry.name), entry.stat().st_size) for entry in found]


def queue_folders(path: Path, *kinds: str) -> list[Path]:
    """Return the folders of all queues under ``path``, or the file itself.

    Args:
        path: a file, a queue's folder, a topic's, the folder of a kind, or a store's root.
        kinds: folders of a root in which such queues are.

    Raises:
        StoreError: nothing there, or no queue in it.
    """
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    parents = [path / kind for kind in kinds if (path / kind).is_dir()] or [path]
    found = {
        entry.parent
        for parent in parents
        for entry in parent.rglob("*")
        if is_segment_name(entry.name)
    }
    if not found:
        raise StoreError(f"{path}: no {kinds[0]} files in this folder")
    return sorted(found, key=_queue_order)


def _queue_order(folder: Path) -> tuple[str, int]:
    return folder.parent.name, int(folder.name) if folder.name.isdecimal() else 0


def queue_of(file: Path) -> tuple[str, int | str]:
    """Return (topic, queue id) of a queue's file, as far as its path tells them."""
    topic, queue_id = file.parts[-3:-1] if len(file.parts) > 2 else ("", "")
    return topic, int(queue_id) if queue_id.isdecimal() else queue_id


def read_file(path: Path) -> bytes:
    """Read a small file.

    Raises:
        StoreError: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def open_file(path: Path) -> BinaryIO:
    """Open a file to read parts of it.

    Raises:
        StoreError: it can't be opened.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: {error.strerror or error}")
