"""The accounts and white lists of all ACL files, read as one (Java ``PlainPermissionManager.load``).

A table never changes: files that were edited are read into a new one, and if one of them can't be,
the table before stays.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rmqwire.auth.account import Account, read_account, text_of
from rmqwire.auth.addresses import address_matcher
from rmqwire.codec.bodies import DataVersion
from rmqwire.errors import AclError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.auth.addresses import Matcher
    from rmqwire.codec.bodies import PlainAccessConfig

logger = logging.getLogger(__name__)

ACCOUNTS: Final = "accounts"
WHITE_ADDRESSES: Final = "globalWhiteRemoteAddresses"
DATA_VERSION: Final = "dataVersion"


class AclTable(msgspec.Struct):
    """What all files say.

    Attributes:
        accounts: by access key; the first file that has a key counts.
        path_of: by access key, the file.
        configs: the accounts as the files have them.
        white: patterns of addresses that need no signature.
        white_addresses: the same as texts.
        versions: by file.
    """

    accounts: dict[str, Account]
    path_of: dict[str, str]
    configs: list[PlainAccessConfig]
    white: list[Matcher]
    white_addresses: list[str]
    versions: dict[str, DataVersion]

    @classmethod
    def empty(cls) -> AclTable:
        """Return one without accounts: nobody may do anything."""
        return cls({}, {}, [], [], [], {})

    @classmethod
    def read(cls, files: Mapping[str, dict[str, Any]], wall_ms: int) -> AclTable:
        """Read all files.

        Args:
            files: by path, the mapping in it.
            wall_ms: the version of a file that tells none, ms since the epoch.

        Raises:
            AclError: something can't be used; names the file.
        """
        table = cls.empty()
        for path, data in files.items():
            if not data:
                logger.warning("no data in %s", path)
                continue
            try:
                table._take(path, data, wall_ms)
            except AclError as error:
                raise AclError(f"{path}: {error}") from None
        return table

    def _take(self, path: str, data: dict[str, Any], wall_ms: int) -> None:
        for entry in entries_of(data, WHITE_ADDRESSES):
            address = text_of(entry, WHITE_ADDRESSES)
            self.white.append(address_matcher(address))
            if address is not None:
                self.white_addresses.append(address)
        for entry in entries_of(data, ACCOUNTS):
            config = read_account(entry)
            account = Account(config)
            if account.key in self.accounts:
                logger.warning("%s: accessKey %s stands there twice", path, account.key)
                continue
            self.accounts[account.key] = account
            self.path_of[account.key] = path
            self.configs.append(config)
        self.versions[path] = version_of(data, wall_ms)


def entries_of(data: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a file; an empty one where it has none.

    Raises:
        AclError: something else stands there.
    """
    found = data.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise AclError(f"{name} is no list")
    return found


def version_of(data: Mapping[str, Any], wall_ms: int) -> DataVersion:
    """Return the version that a file tells, of now where it tells none.

    Raises:
        AclError: it isn't one.
    """
    found = entries_of(data, DATA_VERSION)
    if not found:
        return DataVersion(timestamp=wall_ms, counter=0, state_version=0)
    try:
        first = found[0]
        return DataVersion(
            timestamp=int(first.get("timestamp", 0)),
            counter=int(first.get("counter", 0)),
            state_version=0,
        )
    except (AttributeError, TypeError, ValueError):
        raise AclError(f"{DATA_VERSION} is no version") from None
