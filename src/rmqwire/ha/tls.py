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

from rmqwire.errors import ConfigError, ReplicationError
from rmqwire.remoting.transport import SocketTransport

if TYPE_CHECKING:
    from rmqwire.store.config import StoreConfig

DISABLED: Final = "disabled"
ENFORCING: Final = "enforcing"
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
        self._server = _context(config, ssl.Purpose.CLIENT_AUTH)
        if config.ha_tls_need_client_auth:
            self._server.verify_mode = ssl.CERT_REQUIRED
        self._client = _context(config, ssl.Purpose.SERVER_AUTH)

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
                trio.SSLStream(transport, self._server, server_side=True), f"slave {peer}"
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
        return await _shaken(trio.SSLStream(transport, self._client), f"master {master}")


async def _shaken(
    stream: trio.SSLStream[SocketTransport], peer: str
) -> trio.SSLStream[SocketTransport]:
    """Do the handshake.

    Raises:
        ReplicationError: it failed or took too long; the stream is closed.
    """
    try:
        with trio.fail_after(HANDSHAKE_S):
            await stream.do_handshake()
    except (trio.BrokenResourceError, trio.TooSlowError) as error:
        await trio.aclose_forcefully(stream)
        why = error.__cause__ or "no answer: is it an rmqwire broker with haTlsMode set?"
        raise ReplicationError(f"TLS with {peer} failed: {why}") from error
    return stream


def _context(config: StoreConfig, purpose: ssl.Purpose) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(purpose, cafile=config.ha_tls_trust_cert_path)
        context.load_cert_chain(config.ha_tls_cert_path or "", config.ha_tls_key_path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(
            f"haTlsCertPath={config.ha_tls_cert_path}, haTlsKeyPath={config.ha_tls_key_path}, "
            f"haTlsTrustCertPath={config.ha_tls_trust_cert_path}: {error}"
        ) from error
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
