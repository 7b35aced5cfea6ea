"""Changes of the ACL files at an administrator's request (``PlainPermissionManager``'s three updates).

What a file holds besides stays, in its order, but for comments: Java writes the file anew as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.auth.account import Account, checked_keys, read_account
from rmqwire.auth.acl_table import ACCOUNTS, DATA_VERSION, WHITE_ADDRESSES, entries_of, version_of
from rmqwire.auth.acl_yaml import dump_yaml, load_yaml
from rmqwire.auth.addresses import address_matcher
from rmqwire.auth.permission import check_resources
from rmqwire.codec.bodies import GetBrokerClusterAclConfigResponseBody, PlainAccessConfig
from rmqwire.codec.java_map import hash_map_order
from rmqwire.settings.secret import REDACTED

if TYPE_CHECKING:
    from rmqwire.auth.plain_acl import PlainAcl
    from rmqwire.clock import WallMs


class AclEditor:
    """Changes accounts and white lists, on the disk and in use.

    Args:
        acl: what is changed.
        wall_ms: the wall clock, ms since the epoch.

    Every change raises AclError when its result could not be used, and OSError when it can't be
    written; nothing has changed then.
    """

    def __init__(self, acl: PlainAcl, wall_ms: WallMs) -> None:
        self._acl = acl
        self._wall_ms = wall_ms

    def update_account(self, config: PlainAccessConfig) -> None:
        """Add an account to ``plain_acl.yml``, or change it where it stands (``updateAccessConfig``)."""
        key, _ = checked_keys(config)
        check_resources(config.topic_perms or ())
        check_resources(config.group_perms or ())
        Account(config)
        path = self._acl.table.path_of.get(key, self._acl.default_path)
        data = self._data(path)
        accounts = entries_of(data, ACCOUNTS)
        old: dict[str, Any] = next(
            (entry for entry in accounts if read_account(entry).access_key == key), {}
        )
        accounts = [entry for entry in accounts if entry is not old]
        self._write(path, data, {ACCOUNTS: [*accounts, {**old, **_entry(config)}]})

    def delete_account(self, key: str) -> bool:
        """Take an account away (``deleteAccessConfig``); False when there is none."""
        path = self._acl.table.path_of.get(key)
        if path is None:
            return False
        data = self._data(path)
        accounts = entries_of(data, ACCOUNTS)
        left = [entry for entry in accounts if read_account(entry).access_key != key]
        if len(left) == len(accounts):
            return False
        self._write(path, data, {ACCOUNTS: left})
        return True

    def set_white_addresses(self, addresses: list[str], path: str | None) -> bool:
        """Set the white list of one file, by default ``plain_acl.yml`` (``updateGlobalWhiteAddrsConfig``).

        Returns:
            False when the file is none of those that are read; Java writes to others, too.
        """
        path = path or self._acl.default_path
        if not self._acl.is_acl_file(path):
            return False
        for address in addresses:
            address_matcher(address)
        self._write(path, self._data(path), {WHITE_ADDRESSES: addresses})
        return True

    def shown(self) -> GetBrokerClusterAclConfigResponseBody:
        """Return everything but the secrets (``getAllAclConfig``, which tells them)."""
        table = self._acl.table
        return GetBrokerClusterAclConfigResponseBody(
            global_white_addrs=table.white_addresses,
            plain_access_configs=[
                PlainAccessConfig(
                    access_key=config.access_key,
                    secret_key=REDACTED,
                    white_remote_address=config.white_remote_address,
                    admin=config.admin,
                    default_topic_perm=config.default_topic_perm,
                    default_group_perm=config.default_group_perm,
                    topic_perms=config.topic_perms,
                    group_perms=config.group_perms,
                )
                for config in table.configs
            ],
        )

    def _data(self, path: str) -> dict[str, Any]:
        return load_yaml(self._acl.read_files().get(path, b""), path)

    def _write(self, path: str, data: dict[str, Any], changes: dict[str, Any]) -> None:
        """Set keys and the next version; those of an empty file come in the order of a HashMap."""
        now = self._wall_ms()
        version = version_of(data, now)
        changes[DATA_VERSION] = [{"counter": version.counter + 1, "timestamp": now}]
        fresh = changes if data else {key: changes[key] for key in hash_map_order(changes)}
        self._acl.replace(path, dump_yaml({**data, **fresh}))


def _entry(config: PlainAccessConfig) -> dict[str, Any]:
    """Return an account as a file holds it: what isn't given stays as it was."""
    values: dict[str, Any] = {"accessKey": config.access_key, "secretKey": config.secret_key}
    if config.white_remote_address is not None:
        values["whiteRemoteAddress"] = config.white_remote_address
    values["admin"] = config.admin
    if config.default_topic_perm:
        values["defaultTopicPerm"] = config.default_topic_perm
    if config.default_group_perm:
        values["defaultGroupPerm"] = config.default_group_perm
    if config.topic_perms is not None:
        values["topicPerms"] = config.topic_perms
    if config.group_perms is not None:
        values["groupPerms"] = config.group_perms
    return values
