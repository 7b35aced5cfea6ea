"""Take the users and policies of a stopped Java broker over (``rmqwire store import-users``).

Java's broker keeps them in two RocksDBs and exports them nowhere. They are opened for reading only, with
what stands in their logs alone; ``rocksdict`` is an extra (``pip install 'rmqwire[rocksdb]'``) and imported
only here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from rmqwire.auth.auth_table import AuthTable
from rmqwire.auth.java_rows import read_rows
from rmqwire.codec.release import V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile, config_path
from rmqwire.errors import StoreError, UsageError
from rmqwire.inspector.folder_check import lock_state

if TYPE_CHECKING:
    from pathlib import Path

USERS, POLICIES = "users", "acls"


class TakenOver(NamedTuple):
    """Names of users."""

    fresh: list[str]
    kept: list[str]  # our broker had them already: they stay as they are


def take_users_over(store: Path, source: Path) -> TakenOver:
    """Add Java's users with their policies to those of a broker of ours.

    Args:
        store: the store's root, its lock free.
        source: the folder with the RocksDBs ``users`` and ``acls`` (Java ``authConfigPath``).

    Raises:
        UsageError: a broker has the store open, or rocksdict isn't installed.
        StoreError: there are no such databases, or our table can't be read.
        RmqError: a row can't be read or can't be a user.
        OSError: the table can't be written.
    """
    if lock_state(store / "lock") == "held":
        raise UsageError(f"{store}: a broker has it open; stop it first")
    rows = read_rows(rows_of(source / USERS), rows_of(source / POLICIES))
    file = ConfigFile(
        config_path(str(store), "auth.json"), RealFiles(), holds="users", private=True
    )
    table = AuthTable(file, V5_5_0)
    table.load()
    fresh = [(user, policies) for user, policies in rows if user.username not in table.users]
    kept = [user.username for user, _ in rows if user.username in table.users]
    if fresh:
        table.create_users(fresh)
    return TakenOver([user.username for user, _ in fresh], kept)


def rows_of(folder: Path) -> dict[bytes, bytes]:
    """Return all rows of a RocksDB.

    Raises:
        UsageError: rocksdict isn't installed.
        StoreError: there is no database in the folder, or it can't be read.
    """
    if not (folder / "CURRENT").exists():
        raise StoreError(f"{folder}: no RocksDB")
    try:
        rocksdict = import_module("rocksdict")
    except ImportError:
        text = (
            "reading RocksDB needs rocksdict, which isn't installed: pip install 'rmqwire[rocksdb]'"
        )
        raise UsageError(text) from None
    try:
        database = rocksdict.Rdict(
            str(folder),
            rocksdict.Options(raw_mode=True),
            access_type=rocksdict.AccessType.read_only(),
        )
        rows = dict(database.items())
        database.close()
    except Exception as error:  # noqa: BLE001  rocksdict has no class of its own for what RocksDB says
        raise StoreError(f"{folder}: RocksDB says {error}") from None
    return rows
