"""TLS on the replication link, between rmqwire nodes only (no Java counterpart).

A slave that wants TLS begins with a handshake; its first byte, 0x16, can't begin a report of a log
under an exabyte. So a master tells the two apart on one port, as RocketMQ does on its other ports:

    ============  =========================  ====================
    haTlsMode     as a master                as a slave
    ============  =========================  ====================
    disabled      plain links only           a plain link
    permissive    both                       a plain link
    enforcing     TLS links only             TLS
    ============  =========================  ====================

A cluster is moved to TLS by making all its nodes permissive first, then all enforcing. Who holds a
certificate that haTlsTrustCertPath signed is trusted, whatever name is in it: slaves check their
master's, and a master checks its slaves' with haTlsNeedClientAuth.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import trio

from rmqwire.errors import ConnectFailed, ReplicationError
from rmqwire.remoting.tls import FileContext, make_context
from rmqwire.remoting.tls_connect import shake_hands
from rmqwire.remoting.transport import SocketTransport
from rmqwire.settings.tls import DISABLED, ENFORCING, TlsFiles

if TYPE_CHECKING:
    from rmqwire.store.config import StoreConfig

HANDSHAKE_S: Final = 10.0  # a peer may take that long, its first byte included
_HANDSHAKE_RECORD: Final = b"\x16"


class LinkTls:
    """Both ends' part of it.

    Args:
        config: the ``haTls...`` keys.

    Raises:
        ConfigError: a certificate or key can't be used; names the files.
    """

    def __init__(self, config: StoreConfig) -> None:
        self._mode = config.ha_tls_mode
        if self._mode == DISABLED:
            return
        of_slaves = ssl.CERT_REQUIRED if config.ha_tls_need_client_auth else ssl.CERT_NONE
        self._server = _context(config, ssl.PROTOCOL_TLS_SERVER, of_slaves)
        self._client = _context(config, ssl.PROTOCOL_TLS_CLIENT, ssl.CERT_REQUIRED)

    async def accepted(self, stream: trio.SocketStream, peer: str) -> trio.abc.Stream:
        """Return the stream to serve a slave on.

        Args:
            stream: a slave's connection, nothing read yet.
            peer: its ``ip:port``, for errors.

        Raises:
            ReplicationError: it speaks the wrong way, or the handshake failed.
        """
        if self._mode == DISABLED:
            return SocketTransport.of(stream)
        with trio.move_on_after(HANDSHAKE_S) as waiting:
            first = await stream.socket.recv(1, trio.socket.MSG_PEEK)
        if waiting.cancelled_caught:
            raise ReplicationError(f"slave {peer} hasn't said a word in {HANDSHAKE_S:.0f} s")
        if first == _HANDSHAKE_RECORD:
            transport = SocketTransport.of(stream)
            return await _shaken(
                trio.SSLStream(transport, self._server.current(), server_side=True), f"slave {peer}"
            )
        if self._mode == ENFORCING and first:
            raise ReplicationError(
                f"slave {peer} speaks plain and haTlsMode is enforcing; a slave of Apache RocketMQ "
                "can't speak TLS on this port"
            )
        return SocketTransport.of(stream)

    async def connected(self, stream: trio.SocketStream, master: str) -> trio.abc.Stream:
        """Return the stream to follow a master on.

        Args:
            stream: a connection to it.
            master: its ``host:port``, for errors.

        Raises:
            ReplicationError: the handshake failed.
        """
        transport = SocketTransport.of(stream)
        if self._mode != ENFORCING:
            return transport
        return await _shaken(trio.SSLStream(transport, self._client.current()), f"master {master}")


async def _shaken(stream: trio.SSLStream[SocketTransport], peer: str) -> trio.abc.Stream:
    """Do the handshake.

    Raises:
        ReplicationError: it failed or took too long; the stream is closed.
    """
    try:
        with trio.fail_after(HANDSHAKE_S):
            return await shake_hands(stream)
    except ConnectFailed as error:
        raise ReplicationError(f"TLS with {peer} failed: {error.args[0]}") from error
    except trio.TooSlowError as error:
        raise ReplicationError(
            f"TLS with {peer} failed: no answer: is it an rmqwire broker with haTlsMode set?"
        ) from error


def _context(config: StoreConfig, protocol: int, verify: ssl.VerifyMode) -> FileContext:
    files = TlsFiles(
        cert_path=config.ha_tls_cert_path,
        key_path=config.ha_tls_key_path,
        trust_cert_path=config.ha_tls_trust_cert_path,
    )
    return FileContext(files, lambda: make_context(protocol, files, verify))
