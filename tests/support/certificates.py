"""Certificates made for one run: an authority, who it signed, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from rmqwire.settings.tls import ClientTls, ServerTls

PASSWORD = "not the canary"


@dataclass(frozen=True)
class Party:
    """The files of one side."""

    cert: Path
    key: Path

    def write(self, issued: trustme.LeafCert) -> None:
        """Put another certificate in place, each file at once, as an administrator should."""
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        for path, data in ((self.cert, chain), (self.key, pkcs8(key))):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(data)
            fresh.replace(path)


class Certificates:
    """An authority and what it signed, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca)
        self.server = self.issue("server")
        self.client = self.issue("client")
        stranger = trustme.CA()
        self.stranger = self.issue("stranger", stranger)
        self.strange_ca = folder / "stranger_ca.pem"
        stranger.cert_pem.write_to_path(self.strange_ca)

    def issue(self, name: str, authority: trustme.CA | None = None) -> Party:
        """Make a certificate and write its files."""
        party = Party(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        party.write(new_leaf(authority or self.authority))
        return party

    def renew(self, party: Party) -> None:
        """Replace a party's certificate and key."""
        party.write(new_leaf(self.authority))

    def server_tls(self, mode: str = "permissive", **more) -> ServerTls:
        """Return a server's settings."""
        return ServerTls(
            mode=mode, cert_path=str(self.server.cert), key_path=str(self.server.key), **more
        )

    def client_tls(self, party: Party | None = None, **more) -> ClientTls:
        """Return settings of a client that checks its server."""
        more = {"trust_cert_path": str(self.ca), **more}
        if party is not None:
            more |= {"cert_path": str(party.cert), "key_path": str(party.key)}
        return ClientTls(**more)


def new_leaf(authority: trustme.CA) -> trustme.LeafCert:
    """Sign a certificate for this machine."""
    return authority.issue_cert("localhost", "127.0.0.1")


def encrypted(party: Party, path: Path, password: str = PASSWORD) -> Path:
    """Write a party's key encrypted, as PKCS#8."""
    key = serialization.load_pem_private_key(party.key.read_bytes(), None)
    path.write_bytes(pkcs8(key, serialization.BestAvailableEncryption(password.encode())))
    return path


def pkcs8(key, encryption=None) -> bytes:
    """Write a key in the one form that Java reads."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )
