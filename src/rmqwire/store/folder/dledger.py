"""Find what a Java broker has put into a DLedger log (``DLedgerCommitLog``): this one keeps a commit log.

With ``enableDLegerCommitLog`` a broker's messages stand in ``dledger-<dLegerSelfId>/data``. A broker that
started without them would begin an empty log, and take the consume queues of the folder for damaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.dledger import HEAD_SIZE, is_dledger_entry
from rmqwire.disk.files import read_start
from rmqwire.errors import StoreError

if TYPE_CHECKING:
    from rmqwire.disk.files import FileLayer

ADVICE: Final = (
    "a DLedger log of a Java broker with messages, which can't be read as a commit log: let its brokers "
    "serve them to the end, then begin with a folder without it (docs/how-to/leave-dledger.md)"
)
_PREFIX: Final = "dledger-"  # Java appends dLegerSelfId
_NAME_LENGTH: Final = 20  # digits of a log file's name


def refuse_dledger(root: str, log: str, files: FileLayer) -> None:
    """Refuse a store folder with messages in a DLedger log, or with one where the commit log should be.

    Args:
        root: ``storePathRootDir``.
        log: folder of the commit log.
        files: the disk.

    Raises:
        StoreError: there is one; says where and what to do.
    """
    folder = dledger_folder(root, log, files)
    if folder is not None:
        raise StoreError(f"{folder} is {ADVICE}")


def dledger_folder(root: str, log: str, files: FileLayer) -> str | None:
    """Return the folder of a DLedger log with messages, None if there is none; arguments as above."""
    names = sorted(files.list(root)) if files.exists(root) else []
    folders = [f"{root}/{name}/data" for name in names if name.startswith(_PREFIX)]
    return next((one for one in (*folders, log) if _holds_entries(one, files)), None)


def _holds_entries(folder: str, files: FileLayer) -> bool:
    if not files.exists(folder):
        return False
    logs = sorted(name for name in files.list(folder) if len(name) == _NAME_LENGTH)
    if not logs or not logs[0].isdigit():
        return False
    return is_dledger_entry(read_start(files, f"{folder}/{logs[0]}", HEAD_SIZE), int(logs[0]))
