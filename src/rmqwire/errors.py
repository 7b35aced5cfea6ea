"""The one exception tree of rmqwire.

::

    RmqError
      UsageError          our caller's mistake (Java MQClientException)
      ConfigError         a configuration file that can't be used; names file, key and value
      ProtocolError       bytes that break the protocol; .offset where known
        FrameTooLarge     a length word above the limit
        BadHeader         a command header, or a field of one, that can't be read
        BadBody           a body (JSON, batch, compressed) that can't be read
        BadProperties     a message property string that can't be read or written
        BadRecord         a record of a store file that can't be read
      RemotingError       the connection, not the answer
        ConnectFailed     no connection to the address
        SendFailed        the connection broke before the answer
        RemotingTimeout   no answer in time
        TooManyRequests   too many requests outstanding (Java RemotingTooMuchRequestException)
      RouteNotFound       no route for a topic at any name server
      BrokerError         an answer with a code other than SUCCESS: .code .remark .addr
      StoreError          the store on disk
        StoreReadOnly     writes are refused since a failed write or flush
        DiskFull          no space left for a new segment
        CorruptLog        damaged data below the durable mark: .file .offset
        TornTail          an incomplete record at the end of the log: .offset
        StoreLocked       another broker holds the store folder
"""

from __future__ import annotations


class RmqError(Exception):
    """Base of every error that rmqwire raises on purpose."""


class UsageError(RmqError):
    """A call that can't be carried out as asked (Java ``MQClientException``)."""


class ConfigError(RmqError):
    """A configuration file or option that can't be used; the text names it."""


class ProtocolError(RmqError):
    """Bytes that break the protocol.

    Args:
        message: what is wrong, with the numbers seen.
        offset: byte offset of the fault within what was being decoded, when known.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset


class FrameTooLarge(ProtocolError):
    """A frame's length word is above the limit (``com.rocketmq.remoting.frameMaxLength``)."""


class BadHeader(ProtocolError):
    """A command header, or one field of it, that can't be read."""


class BadBody(ProtocolError):
    """A body (JSON, batch, compressed) that can't be read."""


class BadProperties(ProtocolError):
    """A message property string that can't be read or written."""


class BadRecord(ProtocolError):
    """A record of a store file that can't be read."""


class RemotingError(RmqError):
    """The connection failed, not the answer. ``addr`` is ``host:port`` of the peer."""

    def __init__(self, message: str, addr: str = "") -> None:
        super().__init__(f"{message} <{addr}>" if addr else message)
        self.addr = addr


class ConnectFailed(RemotingError):
    """No connection to the address (Java ``RemotingConnectException``)."""


class SendFailed(RemotingError):
    """The connection broke before the answer came (Java ``RemotingSendRequestException``)."""


class RemotingTimeout(RemotingError):
    """No answer in time (Java ``RemotingTimeoutException``)."""


class TooManyRequests(RemotingError):
    """Too many requests outstanding (Java ``RemotingTooMuchRequestException``)."""


class RouteNotFound(RmqError):
    """No name server knows a route for the topic."""


class BrokerError(RmqError):
    """An answer whose code is not SUCCESS (Java ``MQBrokerException``).

    Args:
        code: the response code.
        remark: the server's own words, may be empty.
        addr: ``host:port`` of the server, may be empty.
    """

    def __init__(self, code: int, remark: str | None = None, addr: str = "") -> None:
        super().__init__(f"CODE: {code}  DESC: {remark or ''}" + (f"  BROKER: {addr}" if addr else ""))
        self.code = code
        self.remark = remark or ""
        self.addr = addr


class StoreError(RmqError):
    """The store on disk can't do what was asked."""


class StoreReadOnly(StoreError):
    """Writes are refused since a write or flush failed."""


class DiskFull(StoreError):
    """No space left for a new segment."""


class CorruptLog(StoreError):
    """Damaged data where a whole record must be; ``file`` and ``offset`` (bytes) say where."""

    def __init__(self, message: str, file: str, offset: int) -> None:
        super().__init__(f"{file} at {offset}: {message}")
        self.file = file
        self.offset = offset


class TornTail(StoreError):
    """An incomplete record at the end of the log, ``offset`` bytes from its start."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at {offset})")
        self.offset = offset


class StoreLocked(StoreError):
    """Another broker holds the lock of the store folder."""
