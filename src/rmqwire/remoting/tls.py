"""The home of SSL contexts (Java ``TlsHelper``): made of files, and made again when these change.

A connection keeps the context that it began with, so that none is lost when a certificate is
replaced. Files are looked at when a connection begins, one ``stat`` each; a replacement that can't be
used, or is written only in part so far, leaves the context before it in place.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from rmqwire.errors import ConfigError
from rmqwire.settings.tls import NONE, OPTIONAL, REQUIRE, ClientTls, ServerTls

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.settings.ciphers import Ciphers
    from rmqwire.settings.tls import TlsFiles

logger = logging.getLogger(__name__)

_MODES: Final = {
    NONE: ssl.CERT_NONE,
    OPTIONAL: ssl.CERT_OPTIONAL,
    REQUIRE: ssl.CERT_REQUIRED,
}
_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

Signature: TypeAlias = list[tuple[int, int, int, int] | None]


class FileContext:
    """An SSL context made of files.

    Args:
        files: those that it is made of.
        make: makes it.

    Raises:
        ConfigError: a file can't be used.
    """

    def __init__(self, files: TlsFiles, make: Callable[[], ssl.SSLContext]) -> None:
        self._files = files
        self._make = make
        self._seen = _signature(files.paths)
        self._context = make()

    def current(self) -> ssl.SSLContext:
        """Return the context, made again if a file has changed. Never raises."""
        seen = _signature(self._files.paths)
        if seen != self._seen:
            self._seen = seen
            try:
                self._context = self._make()
            except (ConfigError, OSError) as error:  # OSError: gone while it was read
                logger.warning("changed certificates can't be used, those before stay: %s", error)
            else:
                logger.info("certificates have changed and were read: %s", self._files.paths)
        return self._context


def server_context(tls: ServerTls) -> FileContext:
    """Return what a server speaks TLS with.

    Raises:
        ConfigError: a file can't be used.
    """
    verify = _MODES[tls.client_auth]
    return FileContext(
        tls, lambda: make_context(ssl.PROTOCOL_TLS_SERVER, tls, verify, tls.protocols, tls.ciphers)
    )


def client_context(tls: ClientTls) -> FileContext:
    """Return what a client speaks TLS with.

    Raises:
        ConfigError: a file can't be used.
    """
    verify = ssl.CERT_REQUIRED if tls.verifies else ssl.CERT_NONE
    if not tls.verifies:
        logger.warning("TLS without tls.client.authServer: no server is verified")
    return FileContext(
        tls, lambda: make_context(ssl.PROTOCOL_TLS_CLIENT, tls, verify, tls.protocols, tls.ciphers)
    )


def make_context(
    protocol: int,
    files: TlsFiles,
    verify: ssl.VerifyMode,
    protocols: tuple[str, ...] = (),
    ciphers: Ciphers | None = None,
) -> ssl.SSLContext:
    """Make an SSL context; names are not compared.

    Args:
        protocol: of a server or of a client.
        files: what it is made of.
        verify: whether the other side has to prove who it is.
        protocols: ``TLSv1.2``, ``TLSv1.3``; both when empty.
        ciphers: what is offered; None: what OpenSSL chooses.

    Raises:
        ConfigError: a file can't be used, which it names, or ciphers and protocols can't.
    """
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = verify
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # Java trusts each one in the file
    context.options |= ssl.OP_NO_RENEGOTIATION
    versions = [_VERSIONS[name] for name in protocols or _VERSIONS]
    if ciphers is not None:
        versions = _choose_ciphers(context, ciphers, versions)
    context.minimum_version, context.maximum_version = min(versions), max(versions)
    for path in files.paths:
        _check_readable(path)
    if files.trust_cert_path:
        try:
            context.load_verify_locations(files.trust_cert_path)
        except ssl.SSLError as error:
            raise ConfigError(f"{files.trust_cert_path}: no certificates: {error}") from error
    elif verify != ssl.CERT_NONE:
        context.load_default_certs()
    if files.cert_path:
        _load_chain(context, files, files.cert_path, files.key_path or files.cert_path)
    return context


def _choose_ciphers(
    context: ssl.SSLContext, ciphers: Ciphers, versions: list[ssl.TLSVersion]
) -> list[ssl.TLSVersion]:
    """Offer these; return the versions that are left to be spoken.

    Raises:
        ConfigError: OpenSSL has none of them, or no version is left.
    """
    for name in ciphers.older:
        try:
            context.set_ciphers(name)
        except ssl.SSLError:
            raise ConfigError(f"tls.ciphers: {name}: OpenSSL doesn't know it here") from None
    if ciphers.older:
        context.set_ciphers(":".join(ciphers.older))
    may = {ssl.TLSVersion.TLSv1_2: bool(ciphers.older), ssl.TLSVersion.TLSv1_3: ciphers.tls_1_3}
    left = [version for version in versions if may[version]]
    if not left:
        raise ConfigError("tls.ciphers: none of a version in tls.protocols")
    return left


def _check_readable(path: str) -> None:
    """Say which file it is: the errors of ssl don't."""
    try:
        with Path(path).open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None


def _load_chain(context: ssl.SSLContext, files: TlsFiles, cert_path: str, key_path: str) -> None:
    def password() -> str:
        if files.key_password is None:
            raise ConfigError(f"{key_path}: encrypted, and no keyPassword is set")
        return files.key_password

    try:
        context.load_cert_chain(cert_path, key_path, password)
    except ssl.SSLError as error:
        if b"ENCRYPTED PRIVATE KEY" in Path(key_path).read_bytes():
            _load_old_key(context, cert_path, key_path, password())
        else:
            raise ConfigError(f"{cert_path}, {key_path}: {_why(error)}") from error


def _why(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "this is not the key of that certificate"
    return f"no certificate and key in PEM: {error}"


def _load_old_key(context: ssl.SSLContext, cert_path: str, key_path: str, password: str) -> None:
    """Load a key whose encryption OpenSSL 3 has put away, as PBE-SHA1-RC4-128 of Java's documentation."""
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  an extra
    except ImportError:
        raise ConfigError(
            f"{key_path}: a wrong keyPassword, or an encryption that OpenSSL doesn't read any more: "
            "install rmqwire[tls], or write the key again: openssl pkcs8 -topk8 -v2 aes-256-cbc"
        ) from None
    try:
        key = serialization.load_pem_private_key(
            Path(key_path).read_bytes(), password.encode("utf-8")
        )
    except (ValueError, TypeError, OSError) as error:
        raise ConfigError(f"{key_path}: a wrong keyPassword, or no key: {error}") from None
    once = secrets.token_hex().encode()
    again = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(once),
    )
    with tempfile.TemporaryDirectory() as folder:  # 0700
        copy = Path(folder, "key.pem")
        copy.write_bytes(again)
        try:
            context.load_cert_chain(cert_path, copy, once)
        except ssl.SSLError as error:
            raise ConfigError(f"{cert_path}, {key_path}: {_why(error)}") from error


def why(error: BaseException) -> str:
    """Return in words why a handshake or a connection failed: an error of ssl, or one that has it as cause."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {cause.verify_message}"
    if not isinstance(cause, ssl.SSLError) or isinstance(cause, ssl.SSLEOFError):
        return "the other side hung up; does it speak TLS?"
    if cause.reason == "WRONG_VERSION_NUMBER":
        return "what the other side speaks is no TLS"
    return (cause.reason or str(cause)).lower().replace("_", " ")


def _signature(paths: list[str]) -> Signature:
    found: Signature = []
    for path in paths:
        try:
            stat = Path(path).stat()
        except (OSError, ValueError):
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return found
