"""KVConfigManager: tables of text by namespace, kept in ``kvConfig.json``.

The one namespace RocketMQ itself uses is ``ORDER_TOPIC_CONFIG``: which queues of an ordered topic
are where. Every change is on disk before it is answered; the former file stays as ``.bak``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import KVConfigSerializeWrapper, KVTable
from rmqwire.codec.java_map import in_hash_map_order
from rmqwire.disk.files import read_whole, write_whole
from rmqwire.errors import ProtocolError, StoreError

if TYPE_CHECKING:
    from rmqwire.codec.release import Release
    from rmqwire.disk.files import FileLayer

logger = logging.getLogger(__name__)

NAMESPACE_ORDER_TOPIC_CONFIG: Final = "ORDER_TOPIC_CONFIG"  # Java NamesrvUtil
MAX_ENTRIES: Final = 100_000  # of all namespaces
MAX_LENGTH: Final = 65_536  # characters of a namespace, key or value


class KVConfigManager:
    """The table and its file.

    Args:
        path: ``kvConfigPath``; empty keeps the table in memory only.
        files: the file layer.
        release: how the file is spelled.
    """

    def __init__(self, path: str, files: FileLayer, release: Release) -> None:
        self.table: dict[str, dict[str, str]] = {}
        self._path = path
        self._files = files
        self._release = release

    def load(self) -> None:
        """Read the file, or its backup when the file can't be read; neither: an empty table.

        Raises:
            StoreError: both are there and neither can be read.
        """
        faults = []
        for path in (self._path, f"{self._path}.bak"):
            if not self._path or not self._files.exists(path):
                continue
            try:
                data = read_whole(self._files, path)
                self.table = KVConfigSerializeWrapper.decode(data, self._release).config_table
            except (OSError, ProtocolError) as error:
                faults.append(f"{path}: {error}")
                continue
            return
        if faults:
            raise StoreError(f"the KV table can't be read: {'; '.join(faults)}")

    def put(self, namespace: str, key: str, value: str) -> None:
        """Set one value and keep it.

        Raises:
            StoreError: too long, too many, or the disk refused; then nothing changed.
        """
        if max(len(namespace), len(key), len(value)) > MAX_LENGTH:
            raise StoreError(f"a KV entry of more than {MAX_LENGTH} characters")
        rows = dict(self.table.get(namespace, {}))
        if key not in rows and sum(map(len, self.table.values())) >= MAX_ENTRIES:
            raise StoreError(f"more than {MAX_ENTRIES} KV entries")
        rows[key] = value
        self._replace({**self.table, namespace: rows})

    def delete(self, namespace: str, key: str) -> None:
        """Forget one value; the namespace stays, as Java's does.

        Raises:
            StoreError: the disk refused; then nothing changed.
        """
        rows = self.table.get(namespace)
        if rows is None or key not in rows:
            return
        rest = {name: value for name, value in rows.items() if name != key}
        self._replace({**self.table, namespace: rest})

    def get(self, namespace: str, key: str) -> str | None:
        """Return one value, or None."""
        return self.table.get(namespace, {}).get(key)

    def namespace_body(self, namespace: str) -> bytes | None:
        """Return a namespace as the KVTable of an answer, or None when there is none."""
        rows = self.table.get(namespace)
        if rows is None:
            return None
        return KVTable(table=in_hash_map_order(rows)).encode(self._release)

    def _replace(self, table: dict[str, dict[str, str]]) -> None:
        """Persist, then swap: an answer never tells of what a restart would forget."""
        if self._path:
            text = KVConfigSerializeWrapper(config_table=table).encode(self._release, pretty=True)
            try:
                replace_file(self._files, self._path, text)
            except OSError as error:
                raise StoreError(f"{self._path} can't be written: {error}") from error
        self.table = table


def replace_file(files: FileLayer, path: str, data: bytes) -> None:
    """Replace a file, whole or not at all; the former one stays as ``.bak``.

    Raises:
        OSError: the disk refused; the former file, or its backup, is still there.
    """
    folder = path.rpartition("/")[0] or "."
    files.makedirs(folder)
    write_whole(files, f"{path}.tmp", data)
    if files.exists(path):
        files.rename(path, f"{path}.bak")
    files.rename(f"{path}.tmp", path)
    files.fsync_dir(folder)
