"""A ``FileLayer`` that writes down, numbered, every call that changes the disk."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.wrapped_files import READS, WrappedFiles


@dataclass(slots=True)
class Operation:
    """One change of the disk.

    Args:
        number: 1, 2, 3 ... in the order of the calls.
        kind: write, fallocate, truncate, create, rename, unlink, makedirs, remove_folder,
            datasync, fsync_dir or sync_all.
        path: the file or folder.
        offset: of a write.
        data: of a write.
        size: of fallocate and truncate.
        target: of a rename.
        failed: the call raised.
    """

    number: int
    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    size: int = 0
    target: str = ""
    failed: bool = False


class RecordingFiles(WrappedFiles):
    """Keep a ``trace`` of all changes; reads are not in it."""

    def __init__(self, inner):
        super().__init__(inner)
        self.trace: list[Operation] = []

    def around(self, kind, path, call, details):
        if kind in READS:
            return call()
        operation = Operation(len(self.trace) + 1, kind, path)
        match kind, details:
            case "write", (_, data, offset):
                operation.data, operation.offset = bytes(data), offset
            case (("fallocate" | "truncate"), (size,)):
                operation.size = size
            case "rename", (target,):
                operation.target = target
        try:
            return call()
        except OSError:
            operation.failed = True
            raise
        finally:
            self.trace.append(operation)


def replay(operation: Operation, files) -> None:
    """Do one recorded change again on another layer that stands where the first one stood.

    A failed write is taken as not done; a failed datasync as the simulated disk knows it.
    """
    path = operation.path
    match operation.kind:
        case "create":
            files.close(files.open(path, create=True))
        case "write" if not operation.failed:
            _with_handle(files, path, lambda h: files.pwrite(h, operation.data, operation.offset))
        case "fallocate" if not operation.failed:
            _with_handle(files, path, lambda h: files.fallocate(h, operation.size))
        case "truncate" if not operation.failed:
            _with_handle(files, path, lambda h: files.truncate(h, operation.size))
        case "datasync" if operation.failed:
            files.datasync_failed(path)
        case "datasync":
            _with_handle(files, path, files.datasync)
        case "rename":
            files.rename(path, operation.target)
        case "unlink" | "makedirs" | "remove_folder" | "fsync_dir" | "sync_all" if (
            not operation.failed
        ):
            getattr(files, operation.kind)(path)


def _with_handle(files, path, change):
    handle = files.open(path)
    change(handle)
    files.close(handle)
