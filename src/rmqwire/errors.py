"""The one exception tree of rmqwire.

::

    RmqError
      UsageError          our caller's mistake (Java MQClientException)
        BadExpression     an SQL92 expression that does not compile
        ForkedError       a client of another process, whose event loop did not come along
      EvaluationError     an SQL92 expression that can't be judged on a message
      ConfigError         a configuration file that can't be used; names file, key and value
      ProtocolError       bytes that break the protocol; .offset where known
        FrameTooLarge     a length word above the limit
        BadHeader         a command header, or a field of one, that can't be read
        BadBody           a body (JSON, batch, compressed) that can't be read
          BadField        a field of one holds what its type can't be; .path says which
        BadProperties     a message property string that can't be read or written
        BadRecord         a record of a store file that can't be read, or a message that can't be one
          TooManyLightQueues  a message names a new light queue where no more may be
      RemotingError       the connection, not the answer
        ConnectFailed     no connection to the address
        SendFailed        the connection broke before the answer
        RemotingTimeout   no answer in time
        TooManyRequests   too many requests outstanding (Java RemotingTooMuchRequestException)
      RequestTimeout      a request was sent, but nobody answered it in time
      RouteNotFound       no route for a topic at any name server
      BrokerError         an answer with a code other than SUCCESS: .code .remark .addr
        one class per response code (17 is TopicNotExist), in rmqwire.broker_errors
      Reject              a handler's refusal, on its way to become an answer
      AclError            what access control refuses: a request, an account, a file (Java AclException)
      LiteQuotaError      there are as many lite subscriptions as the broker allows
      LiteStateError      a group of lite topics can't do that now
      AddressTaken        a registration under the name and id of another broker that is alive
      EngineStopped       a face of asyncio or threads is used while the process ends
      StoreError          the store on disk
        StoreReadOnly     writes are refused since a failed write or flush
        DiskFull          no space left for a new segment
        CorruptLog        damaged data below the durable mark: .file .offset
        StoreLocked       another broker holds the store folder
      ReplicationError    the other side of a replication link sent what can't be
        LogDiverged       master and slave hold different bytes at the same place

What never leaves one room stands there: TooManyLightQueues in ``store.queues.light_queues``, Reject in
``remoting.handler``, LiteQuotaError and LiteStateError in ``broker.lite.subscriptions``, AddressTaken in
``namesrv.route_info``, EngineStopped in ``bridge.engine``.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class SendAttempt(msgspec.Struct):
    """One failed attempt of a send.

    Args:
        broker_name: the broker whose turn it was.
        addr: ``host:port`` of the broker, empty when no address was known.
        error: what came of it.
        cost_ms: ms from choosing the broker to the failure.
    """

    broker_name: str
    addr: str
    error: RmqError
    cost_ms: int


class RmqError(Exception):
    """Base of every error that rmqwire raises on purpose.

    Attributes:
        maybe_stored: the request may have been carried out although this was raised: of a send, the
            message may be stored, and sending it again may store it twice. False is a promise.
        attempts: of a send that was tried at one broker after another, every attempt in order.
    """

    maybe_stored: bool = False
    attempts: tuple[SendAttempt, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[RmqError], args: tuple[object, ...], state: dict[str, object]) -> RmqError:
    """Make a copied or unpickled error, whatever its constructor asks for."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(RmqError):
    """A call that can't be carried out as asked (Java ``MQClientException``)."""


class ForkedError(UsageError):
    """An object that a forked process has from its parent, without the event loop behind it.

    Make consumers and asyncio's clients in the process that uses them.
    """


class BadExpression(UsageError):
    """An SQL92 expression that does not compile (Java ``MQFilterException``).

    The text is Java's, the class of its exception in front; a broker's remark says the same.
    """


class EvaluationError(RmqError):
    """An SQL92 expression met a property that it can't be judged on; the message doesn't match.

    The text names Java's exception and says what that says.
    """


class ConfigError(RmqError):
    """A configuration file or option that can't be used; the text names it."""


class AclError(RmqError):
    """What access control refuses: a request, an account or a file (Java ``AclException``).

    Args:
        message: why; it names no secret.
        frame: method and line where Java throws it, which its answers tell; "" where none is told.
    """

    def __init__(self, message: str, frame: str = "") -> None:
        super().__init__(message)
        self.frame = frame


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


class BadField(BadBody):
    """A field of a JSON body holds what can't be read as its type.

    Args:
        shape: what stands there, in words.
        expected: what belongs there, in words.
        path: where, from the class on, as in ``HeartbeatData.consumerDataSet[0].unitMode``.
    """

    def __init__(self, shape: str, expected: str, path: str = "") -> None:
        super().__init__(f"{path}: {shape} where {expected} belongs")
        self.shape = shape
        self.expected = expected
        self.path = path

    def below(self, step: str) -> BadField:
        """Return the same, seen from one level further out."""
        return BadField(self.shape, self.expected, step + self.path)


class BadProperties(ProtocolError):
    """A message property string that can't be read or written."""


class BadRecord(ProtocolError):
    """A record of a store file that can't be read."""


class RemotingError(RmqError):
    """The connection failed, not the answer. ``addr`` is ``host:port`` of the peer."""

    def __init__(self, message: str, addr: str = "", *, maybe_stored: bool | None = None) -> None:
        super().__init__(f"{message} <{addr}>" if addr else message)
        self.addr = addr
        if maybe_stored is not None:
            self.maybe_stored = maybe_stored


class ConnectFailed(RemotingError):
    """No connection to the address (Java ``RemotingConnectException``)."""


class SendFailed(RemotingError):
    """The connection broke before the answer came (Java ``RemotingSendRequestException``).

    ``maybe_stored`` unless the request is known not to have left this process.
    """

    maybe_stored = True


class RemotingTimeout(RemotingError):
    """No answer in time (Java ``RemotingTimeoutException``).

    ``maybe_stored`` unless the request is known not to have left this process.
    """

    maybe_stored = True


class TooManyRequests(RemotingError):
    """Too many requests outstanding (Java ``RemotingTooMuchRequestException``)."""


class RequestTimeout(RmqError):
    """A request was sent and stored, but its answer did not come (Java ``RequestTimeoutException``)."""

    maybe_stored = True


class RouteNotFound(RmqError):
    """No name server knows a route for the topic."""


class BrokerError(RmqError):
    """An answer whose code is not SUCCESS (Java ``MQBrokerException``).

    Each response code has a subclass in ``rmqwire.broker_errors``, and an answer raises it; a code
    without one is a plain BrokerError. After which codes a producer tries another broker says
    ``Release.client.retry_response_codes``, and ``ProducerConfig.retry_response_codes`` instead of it.

    Args:
        code: the response code.
        remark: the server's own words, may be empty.
        addr: ``host:port`` of the server, may be empty.

    Attributes:
        by_code: the subclasses, once ``rmqwire.broker_errors`` is loaded.
    """

    code: int = 0
    by_code: ClassVar[dict[int, type[BrokerError]]] = {}

    def __init__(self, code: int, remark: str | None = None, addr: str = "") -> None:
        where = f"  BROKER: {addr}" if addr else ""
        super().__init__(f"CODE: {code}  DESC: {remark or ''}{where}")
        self.code = code
        self.remark = remark or ""
        self.addr = addr

    def __init_subclass__(cls, *, code: int) -> None:
        super().__init_subclass__()
        if code in BrokerError.by_code:
            raise TypeError(f"{cls.__name__}: code {code} has {BrokerError.by_code[code].__name__}")
        cls.code = code
        BrokerError.by_code[code] = cls


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


class StoreLocked(StoreError):
    """Another broker holds the lock of the store folder."""


class ReplicationError(RmqError):
    """The other side of a replication link sent what can't be; the link is closed."""


class LogDiverged(ReplicationError):
    """Master and slave hold different bytes at the same place, or the slave holds more.

    What was compared is equal from offset ``begin`` up to ``end`` (bytes of the log).
    """

    def __init__(self, message: str, begin: int, end: int) -> None:
        super().__init__(message)
        self.begin = begin
        self.end = end


def only_error(error: BaseException) -> BaseException:
    """Return the one error inside groups of one, as callers expect it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
