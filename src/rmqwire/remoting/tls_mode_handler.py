"""Plain or TLS, told by a connection's first byte (Java ``NettyRemotingServer.TlsModeHandler``).

======================  =======  =====================================
first byte              plain    0x16, a TLS handshake
======================  =======  =====================================
disabled                served   closed
permissive              served   TLS; closed if there's no certificate
enforcing               closed   TLS
======================  =======  =====================================

A connection that is closed gets no answer and costs one log line, limited in number.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.errors import ProtocolError
from rmqwire.remoting.tls import server_context
from rmqwire.remoting.tls_session import TlsSession
from rmqwire.settings.tls import DISABLED, ENFORCING, ServerTls

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.remoting.connection import Connection

HANDSHAKE: Final = 0x16
EVENT: Final = "TLS"


class TlsMode:
    """What a server makes of first bytes.

    Args:
        tls: its mode and certificates.

    Raises:
        ConfigError: a file can't be used.
    """

    def __init__(self, tls: ServerTls) -> None:
        self._tls = tls
        self._context = server_context(tls) if tls.active else None
        self._missing = (
            "there is no tls.server.certPath"
            if tls.mode != DISABLED
            else f"tls.server.mode is {DISABLED}"
        )

    def session(self, first: int) -> TlsSession | None:
        """Return the TLS session of a connection, None for a plain one.

        Raises:
            ProtocolError: it is not taken.
        """
        if first != HANDSHAKE:
            if self._tls.mode == ENFORCING:
                raise ProtocolError(f"it speaks plain, tls.server.mode is {ENFORCING} here")
            return None
        if self._context is None:
            raise ProtocolError(f"it speaks TLS, {self._missing} here")
        return TlsSession(self._context.current())


class TlsModeHandler:
    """Stands between a socket and its connection; of a plain one, from its first bytes on, nothing.

    Args:
        connection: the core.
        mode: how to tell; None: all are plain.

    Attributes:
        receive_data: takes what was read; returns what is to be sent before all else.
        data_to_send: returns what is to be written now.
        plain: what is read goes to the connection as it is, from now on.
    """

    __slots__ = ("_connection", "_mode", "data_to_send", "plain", "receive_data")

    def __init__(self, connection: Connection, mode: TlsMode | None) -> None:
        self._connection = connection
        self._mode = mode
        self.plain = mode is None
        self.data_to_send: Callable[[], bytes] = connection.data_to_send
        self.receive_data: Callable[[bytes], bytes | None] = (
            connection.receive_data if mode is None else self._receive_first
        )

    def end(self) -> None:
        """Let go of the session: its memory is OpenSSL's, and no collector sees how much that is."""
        self.receive_data = self._connection.receive_data
        self.data_to_send = self._connection.data_to_send

    def _receive_first(self, data: bytes) -> bytes | None:
        connection = self._connection
        try:
            session = self._mode.session(data[0]) if self._mode is not None else None
        except ProtocolError as error:
            connection.refuse(error, EVENT)
            return None
        if session is None:
            self.plain = True
            self.receive_data = connection.receive_data
        else:
            self.receive_data = partial(self._decrypt, session)
            self.data_to_send = partial(self._encrypt, session)
            connection.shaking_hands = True
        return self.receive_data(data)

    def _decrypt(self, session: TlsSession, data: bytes) -> bytes:
        connection = self._connection
        try:
            said = session.receive_data(data)
        except ProtocolError as error:
            connection.refuse(error, EVENT)
        else:
            connection.shaking_hands = not session.established
            if said:
                connection.receive_data(said)
            if session.ended:
                connection.close("the peer said goodbye")
        return session.data_to_send()

    def _encrypt(self, session: TlsSession) -> bytes:
        return session.encrypt(self._connection.data_to_send())
