"""How administration requests are answered, whatever they're about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import Connection as ConnectionBody
from rmqwire.codec.codes import LanguageCode

if TYPE_CHECKING:
    from rmqwire.broker.clients.client_table import ClientChannelInfo

# Java makes an answer with this remark, and where nothing sets another one it stays, on success
# too. Tools print it, so it's kept where Java leaves it.
NOT_SET: Final = "not set any response code"


def language_name(code: int | None) -> str:
    """Name a language as JSON bodies do; one that nobody knows is OTHER."""
    try:
        return LanguageCode(code if code is not None else LanguageCode.OTHER).name
    except ValueError:
        return LanguageCode.OTHER.name


def connection_body(client: ClientChannelInfo) -> ConnectionBody:
    """Show one connected client."""
    return ConnectionBody(
        client_id=client.client_id,
        client_addr=client.connection.peer,
        language=language_name(client.language),
        version=client.version,
    )
