"""How administration requests are answered, whatever they're about."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import Connection as ConnectionBody
from rmqwire.codec.codes import LanguageCode, ResponseCode
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.broker.clients.client_table import ClientChannelInfo
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)

# Java makes an answer with this remark, and where nothing sets another one it stays, on success
# too. Tools print it, so it's kept where Java leaves it.


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


def answer_when_done(peer: Peer, request: RemotingCommand, error: Exception | None) -> None:
    """Answer a request whose work took its time: done, or what ended it early."""
    if error is None:
        peer.reply(request, request.create_response())
        return
    bug = None if isinstance(error, (OSError, RmqError)) else error
    logger.error("request %d of %s not done: %s", request.code, peer.peer, error, exc_info=bug)
    peer.reply(request, request.create_response(ResponseCode.SYSTEM_ERROR, str(error)))
