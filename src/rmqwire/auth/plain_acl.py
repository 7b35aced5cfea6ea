"""Access control 1.0 of a broker (Java ``PlainPermissionManager``): its files, and who may pass.

The files are ``conf/plain_acl.yml`` and every ``*.yml`` below ``conf/acl`` of the broker's home. They
are read again when their bytes change; files that can't be read any more leave everything as it was.
Java ignores such files at its start and runs open: a broker here doesn't start.
"""

from __future__ import annotations

import logging
import posixpath
from typing import TYPE_CHECKING, Final

from rmqwire.auth.acl_table import AclTable
from rmqwire.auth.acl_yaml import load_yaml
from rmqwire.auth.addresses import host_of
from rmqwire.auth.permission import PUB
from rmqwire.auth.signature import ACCESS_KEY, SIGNATURE, is_signed
from rmqwire.auth.wanted import wanted_of
from rmqwire.codec.bodies import DataVersion
from rmqwire.codec.message_const import RMQ_SYS_TRACE_TOPIC
from rmqwire.disk.files import make_folder, read_whole, write_whole
from rmqwire.errors import AclError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import PlainAccessConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.disk.files import FileLayer

logger = logging.getLogger(__name__)

MAX_HOSTS: Final = 10_000  # addresses whose place on the white list is remembered
SUFFIXES: Final = (".yml", ".yaml")

_VALIDATE: Final = "plain.PlainPermissionManager.validate(PlainPermissionManager.java:%d)"
_NO_KEY, _NO_ACCOUNT, _WRONG = _VALIDATE % 663, _VALIDATE % 667, _VALIDATE % 683


class PlainAcl:
    """Accounts, white lists and the files that they stand in.

    Args:
        home: ROCKETMQ_HOME.
        files: the disk.
        wall_ms: the wall clock, ms since the epoch.

    Attributes:
        default_path: the file that new accounts go into.
        table: what the files say.
        first_version: of ``plain_acl.yml`` while nothing stands in it.
    """

    def __init__(self, home: str, files: FileLayer, wall_ms: WallMs) -> None:
        conf = posixpath.normpath(f"{home}/conf")
        self.default_path = f"{conf}/plain_acl.yml"
        self.table = AclTable.empty()
        self.first_version = DataVersion(timestamp=wall_ms())
        self._folder = f"{conf}/acl"
        self._files = files
        self._wall_ms = wall_ms
        self._texts: dict[str, bytes] = {}
        self._white: dict[str, bool] = {}

    # --- files

    def open(self) -> None:
        """Read the files at the start; ``plain_acl.yml`` is made if it isn't there, as in Java.

        Raises:
            ConfigError: a file can't be read or used.
        """
        try:
            if not self._files.exists(self.default_path):
                make_folder(self._files, posixpath.dirname(self.default_path))
                write_whole(self._files, self.default_path, b"", private=True)
            self._use(self.read_files())
        except AclError as error:
            raise ConfigError(f"aclEnable=true: {error}") from None
        except OSError as error:
            raise ConfigError(f"aclEnable=true: {error.filename}: {error.strerror}") from None
        if not self.table.accounts and not self.table.white:
            logger.warning("%s holds no account: every request is refused", self.default_path)

    def configs(self) -> list[PlainAccessConfig]:
        """Return the accounts as the files have them now, without using them. Blocks.

        Raises:
            AclError: a file can't be used.
            OSError: one can't be read.
        """
        return self._table_of(self.read_files()).configs

    def read_files(self) -> dict[str, bytes]:
        """Return the bytes of every file by its path, those of ``conf/acl`` first. Blocks.

        Raises:
            OSError: one can't be read.
        """
        return {path: read_whole(self._files, path) for path in self._paths()}

    def _paths(self) -> Iterator[str]:
        yield from self._below(self._folder)
        if self._files.exists(self.default_path):
            yield self.default_path

    def _below(self, folder: str) -> Iterator[str]:
        for name in self._files.list(folder):
            path = f"{folder}/{name}"
            if name.endswith(SUFFIXES):
                yield path
            else:
                yield from self._below(path)

    def take(self, texts: dict[str, bytes]) -> None:
        """Use what was read if it has changed; what can't be used is logged and changes nothing."""
        if texts == self._texts:
            return
        try:
            self._use(texts)
        except AclError as error:
            self._texts = texts  # said once, not at every look
            logger.error("access control stays as it was: %s", error)  # noqa: TRY400  no secret
        else:
            logger.info("access control read again: %d accounts", len(self.table.accounts))

    def _use(self, texts: dict[str, bytes]) -> None:
        self.table = self._table_of(texts)
        self._texts = texts
        self._white = {}

    def _table_of(self, texts: dict[str, bytes]) -> AclTable:
        data = {path: load_yaml(text, path) for path, text in texts.items()}
        return AclTable.read(data, self._wall_ms())

    def replace(self, path: str, text: bytes) -> None:
        """Write one file, and use it at once; nothing is written that could not be used.

        Raises:
            AclError: what is to be written can't be used.
            OSError: the disk failed.
        """
        texts = {name: text if name == path else old for name, old in self.read_files().items()}
        texts.setdefault(path, text)
        self._table_of(texts)
        fresh = path + ".tmp"
        if self._files.exists(fresh):
            self._files.unlink(fresh)
        write_whole(self._files, fresh, text, private=True)
        self._files.rename(fresh, path)
        self._files.fsync_dir(posixpath.dirname(path))
        self._use(texts)

    def is_acl_file(self, path: str) -> bool:
        """Return whether a file is one of those that are read."""
        return posixpath.normpath(path) in self._texts

    # --- requests

    def check(self, peer: str, request: RemotingCommand) -> None:
        """Refuse a request that its sender may not make (``validate``).

        Args:
            peer: the sender's ``ip:port``.
            request: what he wants.

        Raises:
            AclError: why he may not.
        """
        host = host_of(peer)
        white = self._white.get(host)
        if white is None:
            white = self._look_up(host)
        if white:
            return
        fields: Mapping[str, str] = request.ext_fields or {}
        key = fields.get(ACCESS_KEY)
        if key is None:
            raise AclError("No accessKey is configured", _NO_KEY)
        account = self.table.accounts.get(key)
        if account is None:
            raise AclError(f"No acl config for {key}", _NO_ACCOUNT)
        if account.is_white(host):
            return
        if not is_signed(fields, request.body, account.secret, fields.get(SIGNATURE) or ""):
            raise AclError(f"Check signature failed for accessKey={key}", _WRONG)
        wanted = wanted_of(request)
        if wanted.get(RMQ_SYS_TRACE_TOPIC) != PUB:
            account.check(request.code, wanted)

    def _look_up(self, host: str) -> bool:
        if len(self._white) >= MAX_HOSTS:
            self._white.clear()
        white = self._white[host] = any(matches(host) for matches in self.table.white)
        return white
