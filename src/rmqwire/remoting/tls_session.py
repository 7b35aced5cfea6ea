"""One connection's TLS without its socket: records in, bytes out, and the other way round.

Nothing here waits. What the protocol itself has to say (the handshake, tickets, alerts) lies in
``data_to_send`` after each ``receive_data``.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from rmqwire.errors import ProtocolError
from rmqwire.remoting.tls import why

if TYPE_CHECKING:
    from ssl import SSLContext

RECORD_SIZE: Final = 16_384  # bytes that one record carries at most


class TlsSession:
    """The server's end of one TLS connection.

    Args:
        context: its certificates; kept as long as the connection lives.

    Attributes:
        established: the handshake is over.
        ended: the peer has said that it sends no more.
    """

    def __init__(self, context: SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.established = False
        self.ended = False

    def receive_data(self, data: bytes) -> bytes:
        """Take what was read; return what it says, nothing as long as a record isn't whole.

        Raises:
            ProtocolError: it is no TLS, or the other side is not who it has to be.
        """
        self._incoming.write(data)
        found = []
        try:
            if not self.established:
                self._object.do_handshake()
                self.established = True
            while record := self._object.read(RECORD_SIZE):
                found.append(record)
            self.ended = True
            self._object.unwrap()  # our goodbye
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise ProtocolError(f"TLS failed: {why(error)}") from error
        return b"".join(found)

    def encrypt(self, data: bytes) -> bytes:
        """Return the records that say ``data``.

        Raises:
            OSError: the session is over.
        """
        with memoryview(data) as view:
            sent = 0
            while sent < len(view):
                with view[sent:] as rest:
                    sent += self._object.write(rest)
        return self._outgoing.read()

    def data_to_send(self) -> bytes:
        """Return what the protocol itself has to say."""
        return self._outgoing.read()
