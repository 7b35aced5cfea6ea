"""Signatures of requests (Java ``AclUtils.combineRequestContent``, ``AclSigner``, ``AclClientRPCHook``).

Signed are the values of the extension fields, in the order of their names, and the body: neither the
names nor the code, the flag or the time. Who can read a request can send it again; that takes TLS.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.auth.credentials import Credentials
    from rmqwire.codec.command import RemotingCommand

ACCESS_KEY = "AccessKey"
SIGNATURE = "Signature"
SECURITY_TOKEN = "SecurityToken"  # noqa: S105  the field's name
UNIQUE_MSG_QUERY_FLAG = "_UNIQUE_KEY_QUERY"


def signed_content(
    fields: Mapping[str, str], body: bytes | memoryview, *, without: str = SIGNATURE
) -> bytes:
    """Return the bytes that a signature is of.

    Args:
        fields: the extension fields.
        body: the body.
        without: a field that isn't signed, besides the signature itself.
    """
    signed = dict(fields)
    signed.pop(SIGNATURE, None)
    signed.pop(without, None)
    names = sorted(signed)
    if not "".join(names).isascii():  # Java sorts by UTF-16 units
        names.sort(key=_utf_16)
    text = "".join(map(signed.__getitem__, names))
    return b"".join((text.encode("utf-8", "replace"), body))


def _utf_16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def signature_of(content: bytes, secret: bytes) -> str:
    """Return HMAC-SHA1 in base64 (``AclSigner.calSignature``)."""
    return b2a_base64(hmac.digest(secret, content, "sha1"), newline=False).decode("ascii")


def is_signed(
    fields: Mapping[str, str], body: bytes | memoryview, secret: bytes, signature: str
) -> bool:
    """Return whether a signature is right, comparing in constant time.

    Clients set ``_UNIQUE_KEY_QUERY`` before or after signing, as their release has it: both count.
    """
    given = signature.encode("utf-8", "replace")
    content = signed_content(fields, body, without=UNIQUE_MSG_QUERY_FLAG)
    if hmac.compare_digest(signature_of(content, secret).encode(), given):
        return True
    if UNIQUE_MSG_QUERY_FLAG not in fields:
        return False
    content = signed_content(fields, body)
    return hmac.compare_digest(signature_of(content, secret).encode(), given)


def signing_hooks(credentials: Credentials | None) -> list[SigningHook]:
    """Return the hooks of a client with these credentials: none without."""
    return [] if credentials is None else [SigningHook(credentials)]


class SigningHook:
    """Signs every request before it is sent (``AclClientRPCHook``).

    Args:
        credentials: the account.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._access_key = credentials.access_key
        self._token = credentials.security_token
        self._secret = credentials.secret_key.encode()

    def before_request(self, _: str, request: RemotingCommand) -> None:
        """Set AccessKey, SecurityToken and Signature; a request that is sent again is signed again."""
        fields = request.ext_fields
        if fields is None:
            fields = request.ext_fields = {}
        fields[ACCESS_KEY] = self._access_key
        if self._token is not None:
            fields[SECURITY_TOKEN] = self._token
        fields[SIGNATURE] = signature_of(signed_content(fields, request.body), self._secret)

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Nothing is to be done with an answer."""
