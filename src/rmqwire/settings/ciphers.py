"""The names in ``tls.ciphers``: Java's, as in the standard, or OpenSSL's (Netty ``CipherSuiteConverter``)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from rmqwire.errors import ConfigError

# Those of TLS 1.3 have one name everywhere. Python can only offer all of them or none.
OF_TLS_1_3: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
_KEY_EXCHANGES: Final = {
    "RSA": "",
    "DHE_RSA": "DHE-RSA-",
    "ECDHE_RSA": "ECDHE-RSA-",
    "ECDHE_ECDSA": "ECDHE-ECDSA-",
}
_JAVA: Final = re.compile(r"(?:TLS|SSL)_(\w+)_WITH_(\w+?)_(SHA\d*)")
_CIPHERS: Final = {
    "AES_128_GCM": "AES128-GCM",
    "AES_256_GCM": "AES256-GCM",
    "AES_128_CBC": "AES128",
    "AES_256_CBC": "AES256",
    "CHACHA20_POLY1305": "CHACHA20-POLY1305",
}


class Ciphers(msgspec.Struct, frozen=True):
    """What may be offered.

    Attributes:
        tls_1_3: whether TLS 1.3 may be spoken, with all of its ciphers.
        older: the ciphers of TLS 1.2 under OpenSSL's names, by preference; none: it may not be spoken.
    """

    tls_1_3: bool
    older: tuple[str, ...]


def parse_ciphers(text: str) -> Ciphers | None:
    """Read names with a comma between; None when there are none.

    Raises:
        ConfigError: some of TLS 1.3, but not all.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        return None
    newest = OF_TLS_1_3.intersection(names)
    if newest and newest != OF_TLS_1_3:
        missing = ",".join(sorted(OF_TLS_1_3 - newest))
        raise ConfigError(
            f"tls.ciphers={text}: of the ciphers of TLS 1.3 all can be offered or none: add {missing}, or "
            "leave them out"
        )
    return Ciphers(bool(newest), tuple(_openssl_name(name) for name in names if name not in newest))


def _openssl_name(name: str) -> str:
    """Return OpenSSL's name; of a name that isn't Java's, the name."""
    found = _JAVA.fullmatch(name)
    if found is None or found[1] not in _KEY_EXCHANGES or found[2] not in _CIPHERS:
        return name
    exchange, cipher, digest = _KEY_EXCHANGES[found[1]], _CIPHERS[found[2]], f"-{found[3]}"
    return f"{exchange}{cipher}{'' if 'CHACHA' in cipher else digest}"
