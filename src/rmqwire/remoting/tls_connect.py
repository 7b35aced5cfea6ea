"""Connecting with TLS (Java ``NettyRemotingClient``'s ``sslHandler``), and words for what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from rmqwire.errors import ConnectFailed
from rmqwire.remoting.tls import client_context, why
from rmqwire.remoting.transport import SocketTransport, open_tcp_stream

if TYPE_CHECKING:
    from rmqwire.settings.tls import ClientTls


class TlsConnect:
    """Connects with TLS.

    Args:
        tls: own certificate and whom to believe.

    Raises:
        ConfigError: a certificate can't be used.
    """

    def __init__(self, tls: ClientTls) -> None:
        self._context = client_context(tls)

    async def __call__(self, host: str, port: int) -> trio.abc.Stream:
        """Connect, and do the handshake.

        Raises:
            OSError: no connection.
            ConnectFailed: the handshake failed.
        """
        transport = SocketTransport.of(await open_tcp_stream(host, port))
        context = self._context.current()
        try:
            return await shake_hands(trio.SSLStream(transport, context, server_hostname=host))
        except ConnectFailed as error:
            raise ConnectFailed(f"TLS failed: {error.args[0]}") from error


async def shake_hands(
    stream: trio.SSLStream[SocketTransport],
) -> trio.SSLStream[SocketTransport]:
    """Do the handshake; the stream is closed when it fails.

    Raises:
        ConnectFailed: it failed; says why.
    """
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise ConnectFailed(why(error)) from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream
