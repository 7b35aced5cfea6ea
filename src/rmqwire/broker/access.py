"""Asks access control about every request before its handler.

RocketMQ: ``BrokerController.initialAcl`` in 4.9, ``AuthenticationPipeline`` and
``AuthorizationPipeline`` in 5.x.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from rmqwire.auth.credentials import own_users
from rmqwire.codec.codes import ResponseCode
from rmqwire.disk.table_file import ConfigFile, config_path
from rmqwire.errors import AclError, ConfigError
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.auth.auth_service import AuthService
    from rmqwire.auth.auth_table import AuthTable
    from rmqwire.auth.plain_acl import PlainAcl
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import WallMs
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.release import Release
    from rmqwire.disk.files import FileLayer
    from rmqwire.remoting.handler import RpcHook

logger = logging.getLogger(__name__)

_PACKAGE: Final = "org.apache.rocketmq.acl"


def make_plain_acl(config: BrokerConfig, files: FileLayer, wall_ms: WallMs) -> PlainAcl | None:
    """Return access control of 4.9, if it is enabled; only then its YAML is imported."""
    return _plain_acl(config, files, wall_ms) if config.acl_enable else None


def _plain_acl(config: BrokerConfig, files: FileLayer, wall_ms: WallMs) -> PlainAcl:
    from rmqwire.auth.plain_acl import PlainAcl  # noqa: PLC0415  PyYAML is imported with it

    return PlainAcl(config.rocketmq_home, files, wall_ms)


def make_auth(
    config: BrokerConfig, store_root: str, release: Release, files: FileLayer
) -> AuthService | None:
    """Return access control of 5.x, if it is enabled and the broker is one; only then it is imported.

    Raises:
        ConfigError: a white list is none.
    """
    if not config.authentication_enabled or release.broker.plain_acl:
        return None
    from rmqwire.auth.auth_service import AuthService  # noqa: PLC0415  few brokers have accounts
    from rmqwire.auth.auth_table import AuthTable  # noqa: PLC0415

    path = config_path(store_root, "auth.json")
    return AuthService(
        AuthTable(ConfigFile(path, files, holds="users", private=True), release),
        config.broker_cluster_name,
        authorizes=config.authorization_enabled,
        unknown_codes=codes_of(config.authentication_whitelist, "authenticationWhitelist"),
        free_codes=codes_of(config.authorization_whitelist, "authorizationWhitelist"),
    )


def codes_of(text: str | None, key: str) -> frozenset[int]:
    """Read request codes joined by commas.

    Raises:
        ConfigError: one is no number.
    """
    try:
        return frozenset(int(code) for code in (text or "").split(",") if code.strip())
    except ValueError:
        raise ConfigError(f"{key}={text}: not request codes joined by commas") from None


def access_hooks(acl: PlainAcl | None, auth: AuthService | None) -> list[RpcHook]:
    """Return what looks at the requests of a broker."""
    hooks: list[RpcHook] = [] if acl is None else [AccessHook(acl)]
    return hooks if auth is None else [*hooks, AuthHook(auth)]


def open_access(
    acl: PlainAcl | None,
    auth: AuthService | None,
    config: BrokerConfig,
    files: FileLayer,
    wall_ms: WallMs,
) -> None:
    """Read the accounts; in 5.x make the first super users, and users of the accounts of 4.9.

    Args:
        acl: access control of 4.9.
        auth: access control of 5.x.
        config: names the users, and says whether accounts are taken over.
        files: the disk.
        wall_ms: the wall clock, ms since the epoch.

    Raises:
        ConfigError: the files of 4.9 can't be used.
        StoreError: users and policies can't be read.
        OSError: they can't be written.
    """
    if acl is not None:
        acl.open()
    if auth is None:
        return
    table = auth.table
    if not table.load() and files.exists(rows := table.java_rows):
        logger.warning(
            "%s holds users of a Java broker, which are not read: "
            "`rmqwire store import-users` takes them over",
            rows,
        )
    for credentials in own_users(
        config.init_authentication_user, config.inner_client_authentication_credentials
    ):
        table.ensure_super(credentials)
    if config.migrate_auth_from_v1_enabled:
        _take_over_accounts(_plain_acl(config, files, wall_ms), table)
    if not any(table.is_super(name) for name in table.users):
        logger.warning("no super user: nobody can make users, set initAuthenticationUser")


def _take_over_accounts(acl: PlainAcl, table: AuthTable) -> None:
    from rmqwire.auth.migration import migrate  # noqa: PLC0415  once in a broker's life

    try:
        migrate(acl.configs(), table)
    except AclError as error:
        raise ConfigError(f"migrateAuthFromV1Enabled=true: {error}") from None


class AccessHook:
    """The hook of a broker with ``aclEnable``.

    Args:
        acl: who may do what.
    """

    def __init__(self, acl: PlainAcl) -> None:
        self._acl = acl

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse what the sender may not do, in the words of Java's answer: exception and place."""
        try:
            self._acl.check(addr, request)
        except AclError as error:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                f"{_PACKAGE}.common.AclException: {error}, {_PACKAGE}.{error.frame}",
            ) from None

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Nothing is to be done with an answer."""


class AuthHook:
    """The hook of a broker with ``authenticationEnabled``.

    Args:
        auth: who may do what.
    """

    def __init__(self, auth: AuthService) -> None:
        self._auth = auth

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse what the sender may not do."""
        try:
            self._auth.check(addr, request)
        except AclError as error:
            raise Reject(ResponseCode.NO_PERMISSION, str(error)) from None

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Nothing is to be done with an answer."""
