"""The names and secrets that requests are signed with (Java ``SessionCredentials``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rmqwire.errors import ConfigError, UsageError
from rmqwire.settings.environment import ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping


class Credentials(msgspec.Struct, frozen=True):
    """An access key and its secret; neither secret nor token is ever printed.

    Args:
        access_key: the account's name, sent with every request.
        secret_key: signs the requests; never sent.
        security_token: sent with every request if there is one.

    Raises:
        UsageError: a key is empty.
    """

    access_key: str
    secret_key: str
    security_token: str | None = None

    def __post_init__(self) -> None:
        if not self.access_key.strip() or not self.secret_key.strip():
            raise UsageError("credentials need an access key and a secret key")

    def __repr__(self) -> str:
        """Show the account alone."""
        return f"Credentials(access_key={self.access_key!r})"


def credentials_of(values: Mapping[str, object], source: str) -> Credentials | None:
    """Return the credentials among ``accessKey``, ``secretKey`` and ``securityToken``.

    Args:
        values: what a file says.
        source: its name, for the error.

    Returns:
        None when it holds neither key (Java then goes on unsigned).

    Raises:
        ConfigError: it holds one key without the other.
    """
    texts = {
        name: "" if values.get(name) is None else str(values[name])
        for name in ("accessKey", "secretKey", "securityToken")
    }
    access_key, secret_key, token = (text.strip() for text in texts.values())
    if not access_key and not secret_key:
        return None
    if not access_key or not secret_key:
        raise ConfigError(f"{source}: accessKey and secretKey belong together, one is missing")
    return Credentials(access_key, secret_key, token or None)


def inner_credentials(text: str | None) -> Credentials | None:
    """Return what a broker signs with: ``innerClientAuthenticationCredentials``, a JSON object.

    Raises:
        ConfigError: it is none, or lacks a key; the text is not quoted.
    """
    key = "innerClientAuthenticationCredentials"
    values = _json_object(text, key)
    return None if values is None else credentials_of(values, key)


def initial_user(text: str | None) -> Credentials | None:
    """Return the first super user: ``initAuthenticationUser``, a JSON object.

    Raises:
        ConfigError: it is none, or lacks a name or a password; the text is not quoted.
    """
    key = "initAuthenticationUser"
    values = _json_object(text, key)
    if values is None:
        return None
    name, password = (str(values.get(name) or "") for name in ("username", "password"))
    if not name.strip() or not password.strip():
        raise ConfigError(f"{key}: username and password are needed")
    return Credentials(name, password)


def own_users(initial: str | None, inner: str | None) -> list[Credentials]:
    """Return the super users that a broker makes of its settings at each start.

    Args:
        initial: ``initAuthenticationUser``.
        inner: ``innerClientAuthenticationCredentials``.

    Raises:
        ConfigError: one of them can't be read.
    """
    found = (initial_user(initial), inner_credentials(inner))
    return [credentials for credentials in found if credentials is not None]


def _json_object(text: str | None, key: str) -> dict[str, object] | None:
    if not text or not text.strip():
        return None
    try:
        values = msgspec.json.decode(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ConfigError(f"{key}: not a JSON object")
    return values


def credentials_from_environment(environ: Mapping[str, str]) -> Credentials | None:
    """Return the credentials of ``RMQWIRE_ACCESS_KEY`` and ``RMQWIRE_SECRET_KEY``, if they are set.

    Raises:
        ConfigError: one is set without the other.
    """
    values = {
        "accessKey": environ.get(ACCESS_KEY),
        "secretKey": environ.get(SECRET_KEY),
        "securityToken": environ.get(SECURITY_TOKEN),
    }
    return credentials_of(values, f"{ACCESS_KEY}, {SECRET_KEY}")
