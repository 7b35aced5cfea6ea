"""A disk that loses power: what is in the cache, what is durable, what may be left of it.

The rules are those of real kernels at their worst:

- each sector of a file holds what was last synced or any version written since, on its own;
- a new size survives or not, whatever the sectors do; what is missing reads as zeros;
- a created, renamed, removed file or folder is so only after ``fsync_dir`` of its folder,
  else either way; a rename is atomic;
- after a *failed* ``datasync`` the sectors count as clean: the next one returns and writes nothing.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from rmqwire.testing.sparse_bytes import SparseBytes
from tests.support.memory_files import MemoryFiles

SECTOR = 512


class Inode:
    """One file: ``durable`` bytes, and for each dirty sector the versions written since."""

    __slots__ = ("data", "durable", "forgotten", "versions")

    def __init__(self, data: SparseBytes, durable: bytes) -> None:
        self.data = data  # the cache: what reads give
        self.durable = durable
        self.versions: dict[int, list[bytes]] = {}
        self.forgotten: set[int] = set()  # sectors a failed sync has left behind as clean


@dataclass(slots=True)
class Pending:
    """Something that a power cut may take or leave.

    Args:
        inode: the file; None for a change of names.
        sector: number of the sector, -1 for the size.
        choices: versions written since the last sync: pick 0 is the durable one.
        change: (kind, path, ...) of a change of names.
    """

    inode: Inode | None
    sector: int
    choices: int
    change: tuple = ()


class SimFiles(MemoryFiles):
    """``MemoryFiles`` that know what is durable. ``crash`` gives the disk after a power cut.

    Args:
        sector: bytes that are written as one.
    """

    def __init__(self, sector: int = SECTOR) -> None:
        super().__init__()
        self.sector = sector
        self.inodes: dict[str, Inode] = {}
        self._durable_names: dict[str, Inode] = {}
        self._durable_folders: set[str] = set()
        self._changes: list[tuple] = []  # of names, not durable yet

    # --- the state ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Make durable all there is, as a clean shutdown of the machine does."""
        for path, inode in self.inodes.items():
            inode.durable = bytes(self.data[path])
            inode.versions.clear()
            inode.forgotten.clear()
        self._durable_names = dict(self.inodes)
        self._durable_folders = set(self.folders)
        self._changes.clear()

    def copy(self) -> SimFiles:
        """Return the disk as a killed process leaves it: the cache survives, and what is pending."""
        other = SimFiles(self.sector)
        twins: dict[Inode, Inode] = {}
        for inode in {*self.inodes.values(), *self._durable_names.values()}:
            twin = twins[inode] = Inode(inode.data.copy(), inode.durable)
            twin.versions = {at: list(all_) for at, all_ in inode.versions.items()}
            twin.forgotten = set(inode.forgotten)
        other.inodes = {path: twins[inode] for path, inode in self.inodes.items()}
        other.data = {path: inode.data for path, inode in other.inodes.items()}
        other.folders = set(self.folders)
        other._durable_names = {path: twins[inode] for path, inode in self._durable_names.items()}
        other._durable_folders = set(self._durable_folders)
        other._changes = [
            tuple(twins.get(part, part) if isinstance(part, Inode) else part for part in change)
            for change in self._changes
        ]
        return other

    def pending(self) -> list[Pending]:
        """Return everything that a power cut now may take or leave."""
        found = [Pending(None, -1, 1, change) for change in self._changes]
        inodes = {
            **dict.fromkeys(self._durable_names.values()),
            **dict.fromkeys(self.inodes.values()),
        }
        for inode in inodes:
            if len(inode.data) != len(inode.durable):
                found.append(Pending(inode, -1, 1))
            for sector, versions in inode.versions.items():
                found.append(Pending(inode, sector, len(versions)))
        return found

    def crash(self, pending: list[Pending], picks: list[int]) -> SimFiles:
        """Return the disk after a power cut that left ``picks[i]`` of ``pending[i]``."""
        names, folders = dict(self._durable_names), set(self._durable_folders)
        sizes: dict[Inode, int] = {}
        sectors: dict[Inode, list[tuple[int, bytes]]] = {}
        for item, pick in zip(pending, picks, strict=True):
            if not pick:
                continue
            if item.inode is None:
                _change_names(names, folders, item.change)
            elif item.sector < 0:
                sizes[item.inode] = len(item.inode.data)
            else:
                version = item.inode.versions[item.sector][pick - 1]
                sectors.setdefault(item.inode, []).append((item.sector, version))
        after = SimFiles(self.sector)
        after.folders = {path for path in folders if _is_reachable(path, folders)}
        for path, inode in names.items():
            if posixpath.dirname(path) not in after.folders:
                continue
            size = sizes.get(inode, len(inode.durable))
            data = bytearray(inode.durable[:size])
            data += bytes(size - len(data))
            for sector, version in sectors.get(inode, ()):
                begin = sector * self.sector
                part = version[: max(size - begin, 0)]
                data[begin : begin + len(part)] = part
            after._add(path, data)
        after.settle()
        return after

    def digest_parts(self):
        """Return what makes two disks the same disk: names, folders and bytes."""
        return sorted(self.folders), sorted((path, bytes(data)) for path, data in self.data.items())

    def _add(self, path: str, data: bytearray) -> None:
        self.put(path, data)
        self.inodes[path] = Inode(self.data[path], b"")

    # --- what changes it ---------------------------------------------------------------------

    def datasync_failed(self, path: str) -> None:
        """Behave as after an EIO of ``fdatasync``: dirty sectors are clean and not written."""
        inode = self.inodes[path]
        inode.forgotten.update(inode.versions)

    def open(self, path, *, create=False, private=False, reading=False):
        existed = path in self.data
        handle = super().open(path, create=create, private=private, reading=reading)
        if not existed:
            inode = self.inodes[path] = Inode(self.data[path], b"")
            self._changes.append(("link", path, inode))
        return handle

    def pwrite(self, handle, data, offset):
        super().pwrite(handle, data, offset)
        self._dirty(self.handles[handle], offset, offset + len(data))

    def truncate(self, handle, size):
        path = self.handles[handle]
        before = len(self.data[path])
        super().truncate(handle, size)
        self._dirty(path, min(size, before), max(size, before))

    def _dirty(self, path, begin, stop):
        inode, size = self.inodes[path], self.sector
        for sector in range(begin // size, -(-stop // size)):
            version = bytes(inode.data[sector * size : sector * size + size])
            inode.versions.setdefault(sector, []).append(version)
            inode.forgotten.discard(sector)

    def datasync(self, handle):
        super().datasync(handle)
        self._sync(self.inodes[self.handles[handle]])

    def _sync(self, inode):
        if not inode.forgotten:
            inode.durable = bytes(inode.data)
            inode.versions.clear()
            return
        durable = bytearray(inode.durable[: len(inode.data)])
        durable += bytes(len(inode.data) - len(durable))
        for sector in [at for at in inode.versions if at not in inode.forgotten]:
            begin = sector * self.sector
            version = inode.versions.pop(sector)[-1]
            durable[begin : begin + len(version)] = version
        inode.durable = bytes(durable)

    def rename(self, source, target):
        super().rename(source, target)
        inode = self.inodes[target] = self.inodes.pop(source)
        self._changes.append(("rename", source, target, inode))

    def unlink(self, path):
        super().unlink(path)
        self._changes.append(("unlink", path, self.inodes.pop(path)))

    def makedirs(self, path):
        before = set(self.folders)
        super().makedirs(path)
        self._changes += [("mkdir", new) for new in sorted(self.folders - before)]

    def remove_folder(self, path):
        super().remove_folder(path)
        self._changes.append(("rmdir", path))

    def fsync_dir(self, path):
        super().fsync_dir(path)
        later = []
        for change in self._changes:
            if posixpath.dirname(change[1]) == path:
                _change_names(self._durable_names, self._durable_folders, change)
            else:
                later.append(change)
        self._changes = later

    def sync_all(self, folder):
        super().sync_all(folder)
        for inode in [inode for path, inode in self.inodes.items() if _is_in(path, folder)]:
            self._sync(inode)
        for path in self.folders:
            if _is_in(path, folder) or _is_in(f"{folder}/", path):
                self.fsync_dir(path)
        return True


def _change_names(names, folders, change):
    match change:
        case "link", path, inode:
            names[path] = inode
        case "unlink", path, _:
            names.pop(path, None)
        case "rename", source, target, inode:
            names.pop(source, None)
            names[target] = inode
        case "mkdir", path:
            folders.add(path)
        case "rmdir", path:
            folders.discard(path)


def _is_in(path, folder):
    return path.startswith(f"{folder}/")


def _is_reachable(path, folders):
    while path not in {"", "/"}:
        if path not in folders:
            return False
        path = posixpath.dirname(path)
    return True
