"""The one exception tree of rmqwire.

::

    RmqError
      UsageError          our caller's mistake (Java MQClientException)
        BadExpression     an SQL92 expression that does not compile
      EvaluationError     an SQL92 expression that can't be judged on a message
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
        one class per response code (17 is TopicNotExist); .retriable .refresh_route
      StoreError          the store on disk
        StoreReadOnly     writes are refused since a failed write or flush
        DiskFull          no space left for a new segment
        CorruptLog        damaged data below the durable mark: .file .offset
        TornTail          an incomplete record at the end of the log: .offset
        StoreLocked       another broker holds the store folder
      ReplicationError    the other side of a replication link sent what can't be
        LogDiverged       master and slave hold different bytes at the same place
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(slots=True)
class SendAttempt:
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


class RouteNotFound(RmqError):
    """No name server knows a route for the topic."""


class BrokerError(RmqError):
    """An answer whose code is not SUCCESS (Java ``MQBrokerException``).

    Each response code has a subclass, see ``broker_error``; a code without one is a plain BrokerError.

    Args:
        code: the response code.
        remark: the server's own words, may be empty.
        addr: ``host:port`` of the server, may be empty.

    Attributes:
        retriable: a producer tries another broker (Java ``DefaultMQProducer.retryResponseCodes``).
        refresh_route: the route the request went by may be out of date; ask the name server again.
    """

    code: int = 0
    retriable: ClassVar[bool] = False
    refresh_route: ClassVar[bool] = False
    by_code: ClassVar[dict[int, type[BrokerError]]] = {}

    def __init__(self, code: int, remark: str | None = None, addr: str = "") -> None:
        where = f"  BROKER: {addr}" if addr else ""
        super().__init__(f"CODE: {code}  DESC: {remark or ''}{where}")
        self.code = code
        self.remark = remark or ""
        self.addr = addr

    def __init_subclass__(
        cls, *, code: int, retriable: bool = False, refresh_route: bool = False
    ) -> None:
        super().__init_subclass__()
        if code in BrokerError.by_code:
            raise TypeError(f"{cls.__name__}: code {code} has {BrokerError.by_code[code].__name__}")
        cls.code = code
        cls.retriable = retriable
        cls.refresh_route = refresh_route
        BrokerError.by_code[code] = cls


def broker_error(code: int, remark: str | None = None, addr: str = "") -> BrokerError:
    """Make the error of an answer: the class of its code, or a plain BrokerError.

    Args:
        code: the response code.
        remark: the server's own words.
        addr: ``host:port`` of the server.
    """
    return BrokerError.by_code.get(code, BrokerError)(code, remark, addr)


class RpcTimeOut(BrokerError, code=-1006):
    """A call between brokers timed out; made locally, never on the wire."""


class RpcSendToChannelFailed(BrokerError, code=-1004):
    """A call between brokers could not be written to its channel; made locally."""


class RpcAddrIsNull(BrokerError, code=-1002):
    """A call between brokers had no address to go to; made locally."""


class RpcUnknown(BrokerError, code=-1000):
    """A call between brokers failed otherwise; made locally."""


class BrokerSystemError(BrokerError, code=1, retriable=True):
    """The server failed, or refuses for a reason without a code of its own (SYSTEM_ERROR)."""


class SystemBusy(BrokerError, code=2, retriable=True):
    """The server is overloaded; the remark says which queue or pool is full."""


class RequestCodeNotSupported(BrokerError, code=3):
    """The server has no processor for the request code."""


class TransactionFailed(BrokerError, code=4):
    """Declared by RocketMQ, not sent by a broker."""


class FlushDiskTimeout(BrokerError, code=10):
    """Stored, but the synchronous flush took too long."""


class SlaveNotAvailable(BrokerError, code=11):
    """Stored, but SYNC_MASTER has no slave that keeps up."""


class FlushSlaveTimeout(BrokerError, code=12):
    """Stored, but the slave's acknowledgement took too long."""


class MessageIllegal(BrokerError, code=13):
    """The message or its properties are too large or malformed; not stored."""


class ServiceNotAvailable(BrokerError, code=14, retriable=True, refresh_route=True):
    """The store refuses writes: shutting down, a slave, or a full disk; not stored."""


class VersionNotSupported(BrokerError, code=15):
    """The server refuses the client's version."""


class NoPermission(BrokerError, code=16, retriable=True, refresh_route=True):
    """The broker, topic or group forbids it, or the account does."""


class TopicNotExist(BrokerError, code=17, retriable=True, refresh_route=True):
    """No such topic, or no route to it."""


class TopicExistAlready(BrokerError, code=18):
    """Declared by RocketMQ, not sent by a broker."""


class PullNotFound(BrokerError, code=19):
    """Nothing to pull at this offset yet."""


class PullRetryImmediately(BrokerError, code=20):
    """Nothing matched; pull again at once from the next offset."""


class PullOffsetMoved(BrokerError, code=21):
    """The offset is outside the queue; go on from the offset in the header."""


class QueryNotFound(BrokerError, code=22):
    """No offset stored for the group, or no message found."""


class SubscriptionParseFailed(BrokerError, code=23):
    """The subscription expression can't be parsed."""


class SubscriptionNotExist(BrokerError, code=24):
    """The group has no live client at the broker, or no subscription of the topic."""


class SubscriptionNotLatest(BrokerError, code=25):
    """The broker knows only an older subscription than the request's."""


class SubscriptionGroupNotExist(BrokerError, code=26):
    """No such consumer group."""


class FilterDataNotExist(BrokerError, code=27):
    """The broker has no filter for the expression."""


class FilterDataNotLatest(BrokerError, code=28):
    """The broker's filter is older than the client's."""


class InvalidParameter(BrokerError, code=29):
    """A parameter is out of its range (5.x; before, SYSTEM_ERROR)."""


class TransactionShouldCommit(BrokerError, code=200):
    """Declared by RocketMQ, not sent."""


class TransactionShouldRollback(BrokerError, code=201):
    """Declared by RocketMQ, not sent."""


class TransactionStateUnknow(BrokerError, code=202):
    """Declared by RocketMQ, not sent."""


class TransactionStateGroupWrong(BrokerError, code=203):
    """Declared by RocketMQ, not sent: a wrong group gives SYSTEM_ERROR."""


class NoBuyerId(BrokerError, code=204, retriable=True):
    """Known to producers as worth a retry, not sent by a broker."""


class NotInCurrentUnit(BrokerError, code=205, retriable=True):
    """Known to producers as worth a retry, not sent by a broker."""


class ConsumerNotOnline(BrokerError, code=206):
    """The client that the command is about is not connected."""


class ConsumeMsgTimeout(BrokerError, code=207):
    """The client that the command is about did not answer in time."""


class NoMessage(BrokerError, code=208):
    """The acknowledged offset is outside the queue, or the batch is empty."""


class PollingFull(BrokerError, code=209):
    """Too many pop requests wait already; in 4.9 an access configuration was not written."""


class PollingTimeout(BrokerError, code=210):
    """A pop request got nothing in its time; in 4.9 an access configuration was not deleted."""


class BrokerNotExist(BrokerError, code=211):
    """Declared by 5.x, not sent; in 4.9 the white address list was not written."""


class BrokerDispatchNotComplete(BrokerError, code=212):
    """Declared by RocketMQ: the index of the queue lags behind the log."""


class BroadcastConsumption(BrokerError, code=213):
    """Declared by RocketMQ: the group consumes by broadcast."""


class FlowControl(BrokerError, code=215):
    """The server slows the client down."""


class NotLeaderForQueue(BrokerError, code=501, refresh_route=True):
    """The broker does not lead this queue of a static topic."""


class IllegalOperation(BrokerError, code=604):
    """The state of the message forbids the operation."""


class GoAway(BrokerError, code=1500, retriable=True, refresh_route=True):
    """The server is shutting down; connect again, elsewhere if there is another."""


class ControllerFencedMasterEpoch(BrokerError, code=2000):
    """The controller knows a newer master epoch."""


class ControllerFencedSyncStateSetEpoch(BrokerError, code=2001):
    """The controller knows a newer epoch of the in-sync set."""


class ControllerInvalidMaster(BrokerError, code=2002):
    """The sender is not the master the controller knows."""


class ControllerInvalidReplicas(BrokerError, code=2003):
    """The in-sync set names replicas the controller does not know."""


class ControllerMasterNotAvailable(BrokerError, code=2004):
    """The controller knows no master."""


class ControllerInvalidRequest(BrokerError, code=2005):
    """The controller can't make sense of the request."""


class ControllerBrokerNotAlive(BrokerError, code=2006):
    """The controller holds the broker for dead."""


class ControllerNotLeader(BrokerError, code=2007):
    """This controller is not the leader."""


class ControllerBrokerMetadataNotExist(BrokerError, code=2008):
    """The controller does not know the broker."""


class ControllerInvalidCleanBrokerMetadata(BrokerError, code=2009):
    """The controller can't forget a broker that is alive."""


class ControllerBrokerNeedToBeRegistered(BrokerError, code=2010):
    """The broker must register at the controller first."""


class ControllerMasterStillExist(BrokerError, code=2011):
    """The old master is alive still."""


class ControllerElectMasterFailed(BrokerError, code=2012):
    """No replica can be elected."""


class ControllerAlterSyncStateSetFailed(BrokerError, code=2013):
    """The in-sync set could not be changed."""


class ControllerBrokerIdInvalid(BrokerError, code=2014):
    """The broker id is taken, or not the one applied for."""


class ControllerJraftInternalError(BrokerError, code=2015):
    """The controller's consensus failed inside."""


class ControllerBrokerLiveInfoNotExists(BrokerError, code=2016):
    """The controller has no live information of the broker."""


class LmqQuotaExceeded(BrokerError, code=2017):
    """Too many lite topics."""


class LiteSubscriptionQuotaExceeded(BrokerError, code=2018):
    """Too many lite subscriptions."""


class UserNotExist(BrokerError, code=3001):
    """No such user."""


class PolicyNotExist(BrokerError, code=3002):
    """No such policy."""


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
