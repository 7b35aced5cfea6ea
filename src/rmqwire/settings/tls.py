"""TLS of servers and clients: where certificates stand, and who is verified (``TlsSystemConfig``).

Java's names, and its defaults but for one kind: a certificate that nobody has made, and proofs that
prove nothing, are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.errors import ConfigError
from rmqwire.settings.ciphers import Ciphers, parse_ciphers
from rmqwire.settings.environment import read_environment
from rmqwire.settings.key import attribute_of
from rmqwire.settings.loading import judge, value_of
from rmqwire.settings.properties import parse, read_text
from rmqwire.settings.rows.tls import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.codec.release import Release
    from rmqwire.settings.values import Value

DISABLED: Final = "disabled"
PERMISSIVE: Final = "permissive"
ENFORCING: Final = "enforcing"
NONE: Final = "none"
OPTIONAL: Final = "optional"
REQUIRE: Final = "require"

_MODE: Final = "tls.server.mode"
_ENABLE: Final = "tls.enable"
_FILE: Final = "tls.config.file"
_TEST_MODE: Final = "tls.test.mode.enable"
_FILES: Final = ("certPath", "keyPath", "keyPassword", "trustCertPath")
_USE_TLS: Final = "useTLS"  # of NettyClientConfig


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What one side proves itself with, and whom it believes.

    Args:
        cert_path: own certificate and those that lead to its authority, PEM; None for none.
        key_path: its private key, PEM, encrypted or not; None: it stands in ``cert_path``.
        key_password: of the key, when it is encrypted.
        trust_cert_path: the certificates that are trusted, PEM.
    """

    cert_path: str | None = None
    key_path: str | None = None
    key_password: str | None = None
    trust_cert_path: str | None = None

    @property
    def paths(self) -> list[str]:
        """The files that are named."""
        return [path for path in (self.cert_path, self.key_path, self.trust_cert_path) if path]

    def __repr__(self) -> str:
        """Show everything but the password."""
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name != "key_password"
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


class ClientTls(TlsFiles, frozen=True, kw_only=True):
    """TLS of a client (Java's ``tls.client.*``).

    Args:
        auth_server: whether the server's certificate has to lead to one that is trusted: those of
            ``trust_cert_path``, without it those of the system. None: if there is a
            ``trust_cert_path``. Its host name is not compared, as in Java: brokers are announced by
            their addresses.
        protocols: ``TLSv1.2``, ``TLSv1.3``; both when empty.
        ciphers: what is offered; None: what OpenSSL chooses.
    """

    auth_server: bool | None = None
    protocols: tuple[str, ...] = ()
    ciphers: Ciphers | None = None

    @property
    def verifies(self) -> bool:
        """Whether the server's certificate is checked."""
        return bool(self.trust_cert_path) if self.auth_server is None else self.auth_server


class ServerTls(TlsFiles, frozen=True, kw_only=True):
    """TLS of a server (Java's ``tls.server.*``).

    Args:
        mode: DISABLED, PERMISSIVE (plain connections and TLS) or ENFORCING (TLS only).
        need_client_auth: NONE, OPTIONAL or REQUIRE: whether clients are asked for a certificate.
        auth_client: whether that certificate is checked against ``trust_cert_path``. None: if there
            is one.
        protocols: ``TLSv1.2``, ``TLSv1.3``; both when empty.
        ciphers: what is offered; None: what OpenSSL chooses.

    Raises:
        ConfigError: they don't fit together.
    """

    mode: str = PERMISSIVE
    need_client_auth: str = NONE
    auth_client: bool | None = None
    protocols: tuple[str, ...] = ()
    ciphers: Ciphers | None = None

    def __post_init__(self) -> None:
        if self.mode == ENFORCING and not self.cert_path:
            raise ConfigError(
                f"{_MODE}={ENFORCING}: tls.server.certPath and tls.server.keyPath are needed: no "
                "certificate is made up here, as Java does with tls.test.mode.enable"
            )
        if self.client_auth != NONE and not self.trust_cert_path:
            raise ConfigError(
                f"tls.server.need.client.auth={self.need_client_auth}: tls.server.trustCertPath is "
                "needed: a certificate that nothing is held against proves nothing"
            )

    @property
    def active(self) -> bool:
        """Whether TLS is spoken here."""
        return self.mode != DISABLED and bool(self.cert_path)

    @property
    def client_auth(self) -> str:
        """NONE, OPTIONAL or REQUIRE: whether clients have to prove who they are."""
        if self.need_client_auth == REQUIRE:  # OpenSSL asks for none that it doesn't check
            return REQUIRE
        checks = bool(self.trust_cert_path) if self.auth_client is None else self.auth_client
        return self.need_client_auth if checks else NONE

    def __str__(self) -> str:
        """Say in a line what is spoken here and who is verified."""
        if not self.active:
            return "TLS is not spoken here"
        who = {
            NONE: "no client is verified",
            OPTIONAL: "clients that show a certificate are verified",
            REQUIRE: "every client is verified",
        }
        return f"TLS {self.mode} with {self.cert_path}: {who[self.client_auth]}"


class TlsSettings(msgspec.Struct, frozen=True):
    """TLS of one process.

    Attributes:
        server: as a server.
        client: as a client; None: it speaks plain.
    """

    server: ServerTls
    client: ClientTls | None = None


NO_TLS: Final = TlsSettings(ServerTls())  # Java's defaults, without a certificate


def load_tls(properties: Mapping[str, str], release: Release, warnings: list[str]) -> TlsSettings:
    """Read the keys of TLS, and ``tls.config.file``.

    Args:
        properties: of the server's file, the environment and the command line, keys of other tables
            among them.
        release: whose defaults hold.
        warnings: gets lines about what is ignored.

    Raises:
        ConfigError: a file that is named can't be read, a value can't be used, or they don't fit.
    """
    keys = _TlsKeys(properties, release, warnings)
    server = keys.server()
    use = properties.get(_USE_TLS, keys.texts.get(_ENABLE))
    speaks = server.mode == ENFORCING if use is None else KEYS[_ENABLE].parse(use)
    return TlsSettings(server, keys.client() if speaks else None)


def client_tls(
    environ: Mapping[str, str], release: Release, *, use: bool | None = None
) -> ClientTls | None:
    """Return what a client does: as its user says, else as ``tls.enable`` of the environment does.

    Args:
        environ: variables; ``RMQWIRE_TLS_CLIENT_TRUST_CERT_PATH`` and the like are read.
        release: whose defaults hold.
        use: what the user says.

    Raises:
        ConfigError: a file that is named can't be read, or a value can't be used.
    """
    properties = read_environment(environ, KEYS).settings
    if use is None:
        use = bool(KEYS[_ENABLE].parse(properties.get(_ENABLE, "false")))
    return _TlsKeys(properties, release, []).client() if use else None


class _TlsKeys:
    """The values of ``KEYS``, those of ``tls.config.file`` among them.

    Attributes:
        texts: key -> text, of the keys that are set somewhere.
    """

    def __init__(
        self, properties: Mapping[str, str], release: Release, warnings: list[str]
    ) -> None:
        given = {name: text for name, text in properties.items() if name in KEYS}
        in_file = _read_file(given.get(_FILE, "").strip())
        warnings += judge(in_file, KEYS, release)
        self.texts = {**given, **in_file}
        self.texts |= {name: given[name] for name in (_MODE, _ENABLE) if name in given}
        self._values: dict[str, Value] = {
            name: value_of(key, self.texts, release, warnings) for name, key in KEYS.items()
        }
        if _TEST_MODE in self.texts and self._values[_TEST_MODE]:
            raise ConfigError(f"{_TEST_MODE}=true: refused: {KEYS[_TEST_MODE].reason}")

    def server(self) -> ServerTls:
        """Return the server's part."""
        return ServerTls(
            **self._files("server"),
            mode=str(self._values[_MODE]),
            need_client_auth=str(self._values["tls.server.need.client.auth"]),
            auth_client=self._told("tls.server.authClient"),
            protocols=self._protocols(),
            ciphers=self._ciphers(),
        )

    def client(self) -> ClientTls:
        """Return the client's part."""
        return ClientTls(
            **self._files("client"),
            auth_server=self._told("tls.client.authServer"),
            protocols=self._protocols(),
            ciphers=self._ciphers(),
        )

    def _told(self, name: str) -> bool | None:
        return bool(self._values[name]) if name in self.texts else None

    def _protocols(self) -> tuple[str, ...]:
        return tuple(str(self._values["tls.protocols"] or "").replace(",", " ").split())

    def _ciphers(self) -> Ciphers | None:
        return parse_ciphers(str(self._values["tls.ciphers"] or ""))

    def _files(self, side: str) -> dict[str, str | None]:
        keys = [(attribute_of(name), f"tls.{side}.{name}") for name in _FILES]
        return {attribute: str(self._values[key] or "") or None for attribute, key in keys}


def _read_file(path: str) -> dict[str, str]:
    """Return the keys of ``tls.config.file``; where none is named, the default one may be missing."""
    if not path:
        path = KEYS[_FILE].defaults["4.9.7"]
        if not Path(path).is_file():
            return {}
    return {name: text for name, text in parse(read_text(path)).items() if name != _FILE}
