"""Find what a Java broker has put into RocksDB: this one keeps all of it in files.

5.x may keep tables (``storeType=defaultRocksDB``, ``configManagerVersion=v2``), POP's records, timers,
transactions and the index there. A broker that started without them would hand out messages again,
or never. An empty RocksDB, which 5.5 makes in every store, is nothing to miss; nor are consume
queues, which are built from the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.disk.files import FileLayer

_EXPORT: Final = (
    "let Java's `mqadmin rocksDBConfigToJson -p {root}/config -t {name} -e {root}/config/{file}` "
    "write it as {file}, then move the folder away"
)
_ALL_TABLES: Final = (
    "write topics.json, subscriptionGroup.json and consumerOffset.json from what `mqadmin` shows of "
    "the running Java broker, then move the folder away"
)
_DRAIN: Final = "let Java's broker deliver it without new ones coming, then move the folder away"
# Folder below the store -> what is in it, what to do.
_FOLDERS: Final[Mapping[str, tuple[str, str]]] = {
    "config/topics": ("topics", _EXPORT.replace("{file}", "topics.json")),
    "config/subscriptionGroups": (
        "consumer groups",
        _EXPORT.replace("{file}", "subscriptionGroup.json"),
    ),
    "config/consumerOffsets": (
        "consumer offsets",
        _EXPORT.replace("{file}", "consumerOffset.json"),
    ),
    "config/metadata": ("topics, groups and offsets", _ALL_TABLES),
    "config/rdb": ("topics, groups and offsets", _ALL_TABLES),
    "kvStore": ("messages that POP consumers have not acknowledged", _DRAIN),
    "rocksdbstore": ("timers, transactions or the index of keys", _DRAIN),
}


def refuse_rocksdb(root: str, files: FileLayer) -> None:
    """Refuse a store folder with data in RocksDB.

    Args:
        root: ``storePathRootDir``.
        files: the disk.

    Raises:
        StoreError: it has some; says where, what would be missed and what to do.
    """
    for name, (what, advice) in _FOLDERS.items():
        folder = f"{root}/{name}"
        if _holds_data(folder, files):
            cure = advice.format(root=root, name=name.rpartition("/")[2])
            raise StoreError(f"{folder} is a RocksDB of a Java broker with {what}: {cure}")


def _holds_data(folder: str, files: FileLayer) -> bool:
    """Return whether a folder is a RocksDB in which something was ever written."""
    if not files.exists(f"{folder}/CURRENT"):
        return False
    return any(
        name.endswith(".sst") or (name.endswith(".log") and files.size(f"{folder}/{name}") > 0)
        for name in files.list(folder)
    )
