"""One class for each response code. Written by ``tools/gen_codes.py``.

RocketMQ: ``ResponseCode`` with ``RemotingSysResponseCode``, thrown as ``MQBrokerException``. What to do
about each is said in docs/reference/errors.md; the texts stand in ``tools/error_texts.toml``.
"""

from __future__ import annotations

from rmqwire.errors import BrokerError


def broker_error(code: int, remark: str | None = None, addr: str = "") -> BrokerError:
    """Make the error of an answer: the class of its code, or a plain BrokerError.

    Args:
        code: the response code.
        remark: the server's own words.
        addr: ``host:port`` of the server.
    """
    return BrokerError.by_code.get(code, BrokerError)(code, remark, addr)


class RpcTimeOut(BrokerError, code=-1006):
    """A call between brokers of 5.x timed out; made locally, never on the wire."""


class RpcSendToChannelFailed(BrokerError, code=-1004):
    """A call between brokers of 5.x could not be written to its connection; made locally."""


class RpcAddrIsNull(BrokerError, code=-1002):
    """A call between brokers of 5.x had no address to go to; made locally."""


class RpcUnknown(BrokerError, code=-1000):
    """A call between brokers of 5.x failed otherwise; made locally."""


class BrokerSystemError(BrokerError, code=1):
    """The server failed, or refuses for a reason without a code of its own.

    The remark says which.
    """

    maybe_stored = True


class SystemBusy(BrokerError, code=2):
    """The server is overloaded; not stored.

    The remark begins with `[TIMEOUT_CLEAN_QUEUE]`, `[PCBUSY_CLEAN_QUEUE]`, `[REJECTREQUEST]` or
    `[OVERLOAD]`.
    """


class RequestCodeNotSupported(BrokerError, code=3):
    """The server does not know the request code.

    It is of an older release, or another kind of server.
    """


class TransactionFailed(BrokerError, code=4):
    """Declared by RocketMQ, not sent by its servers."""


class FlushDiskTimeout(BrokerError, code=10):
    """Stored, but the synchronous flush took longer than `syncFlushTimeout`.

    To a producer it is a result: `SendStatus.FLUSH_DISK_TIMEOUT`.
    """

    maybe_stored = True


class SlaveNotAvailable(BrokerError, code=11):
    """Stored, but a SYNC_MASTER has no slave that keeps up.

    To a producer it is a result: `SendStatus.SLAVE_NOT_AVAILABLE`.
    """

    maybe_stored = True


class FlushSlaveTimeout(BrokerError, code=12):
    """Stored, but the slave's acknowledgement took longer than `slaveTimeout`.

    To a producer it is a result: `SendStatus.FLUSH_SLAVE_TIMEOUT`.
    """

    maybe_stored = True


class MessageIllegal(BrokerError, code=13):
    """The message, its properties or its delay is out of bounds or malformed; not stored."""


class ServiceNotAvailable(BrokerError, code=14):
    """The store refuses writes; not stored.

    It is shutting down, a slave's, or its disk is full.
    """


class VersionNotSupported(BrokerError, code=15):
    """The proxy of 5.x refuses the client's version or protocol."""


class NoPermission(BrokerError, code=16):
    """The broker, the topic or the group lacks the permission, or the account does."""


class TopicNotExist(BrokerError, code=17):
    """The broker has no such topic and does not create it, or there is no route to it."""


class TopicExistAlready(BrokerError, code=18):
    """Declared by RocketMQ, not sent by its servers."""


class PullNotFound(BrokerError, code=19):
    """There is nothing to pull at this offset yet."""


class PullRetryImmediately(BrokerError, code=20):
    """Nothing in the range that was looked at matched the subscription."""


class PullOffsetMoved(BrokerError, code=21):
    """The offset is outside the queue.

    Its messages are deleted, or the queue is shorter than that.
    """


class QueryNotFound(BrokerError, code=22):
    """The group has no offset for the queue, or no message was found."""


class SubscriptionParseFailed(BrokerError, code=23):
    """The subscription's expression can't be parsed."""


class SubscriptionNotExist(BrokerError, code=24):
    """The group has no live client at this broker, or none that subscribes to the topic."""


class SubscriptionNotLatest(BrokerError, code=25):
    """The broker knows only an older subscription of the group than the request's."""


class SubscriptionGroupNotExist(BrokerError, code=26):
    """The broker has no such consumer group and does not create it."""


class FilterDataNotExist(BrokerError, code=27):
    """The broker has no compiled filter for the group's expression."""


class FilterDataNotLatest(BrokerError, code=28):
    """The broker's filter is older than the client's expression."""


class InvalidParameter(BrokerError, code=29):
    """A parameter is out of its range: a queue id, a name's length, a count.

    Servers of 4.x say SYSTEM_ERROR.
    """


class TransactionShouldCommit(BrokerError, code=200):
    """Declared by RocketMQ, not sent by its servers."""


class TransactionShouldRollback(BrokerError, code=201):
    """Declared by RocketMQ, not sent by its servers."""


class TransactionStateUnknow(BrokerError, code=202):
    """Declared by RocketMQ, not sent by its servers."""


class TransactionStateGroupWrong(BrokerError, code=203):
    """Declared by RocketMQ, not sent: a wrong group gives SYSTEM_ERROR."""


class NoBuyerId(BrokerError, code=204):
    """Declared by RocketMQ, not sent by its servers.

    Its producers know it as worth another broker.
    """


class NotInCurrentUnit(BrokerError, code=205):
    """Declared by RocketMQ, not sent by its servers.

    Its producers know it as worth another broker.
    """


class ConsumerNotOnline(BrokerError, code=206):
    """The client that the command is about is not connected to this broker."""


class ConsumeMsgTimeout(BrokerError, code=207):
    """The client that the command is about did not answer the broker in time."""


class NoMessage(BrokerError, code=208):
    """The offset to acknowledge is outside of the queue, or the batch of them is empty."""


class PollingFull(BrokerError, code=209):
    """Too many pop requests wait already.

    In 4.9.7 the number means: an access configuration was not written.
    """


class PollingTimeout(BrokerError, code=210):
    """A pop request got nothing in its time.

    In 4.9.7 the number means: an access configuration was not deleted.
    """


class BrokerNotExist(BrokerError, code=211):
    """Declared by 5.x, not sent.

    In 4.9.7 the number means: the list of white addresses was not written.
    """


class BrokerDispatchNotComplete(BrokerError, code=212):
    """Declared by RocketMQ: the queue's index lags behind the log."""


class BroadcastConsumption(BrokerError, code=213):
    """Declared by RocketMQ: the group consumes by broadcast."""


class FlowControl(BrokerError, code=215):
    """The server slows the client down.

    Apache's own broker doesn't send it, other servers do.
    """


class NotLeaderForQueue(BrokerError, code=501):
    """The broker does not lead this queue of a static topic."""


class IllegalOperation(BrokerError, code=604):
    """The state of the message forbids the operation.

    A transaction is over, a timer has fired.
    """


class GoAway(BrokerError, code=1500):
    """The server is shutting down; the request was not carried out."""


class ControllerFencedMasterEpoch(BrokerError, code=2000):
    """The controller knows a newer master epoch than the sender's."""


class ControllerFencedSyncStateSetEpoch(BrokerError, code=2001):
    """The controller knows a newer epoch of the in-sync set than the sender's."""


class ControllerInvalidMaster(BrokerError, code=2002):
    """The sender is not the master that the controller knows."""


class ControllerInvalidReplicas(BrokerError, code=2003):
    """The in-sync set names replicas that the controller does not know."""


class ControllerMasterNotAvailable(BrokerError, code=2004):
    """The controller knows no master of the broker set."""


class ControllerInvalidRequest(BrokerError, code=2005):
    """The controller can't make sense of the request."""


class ControllerBrokerNotAlive(BrokerError, code=2006):
    """The controller takes the broker for dead."""


class ControllerNotLeader(BrokerError, code=2007):
    """This controller is not the leader of its group."""


class ControllerBrokerMetadataNotExist(BrokerError, code=2008):
    """The controller does not know the broker."""


class ControllerInvalidCleanBrokerMetadata(BrokerError, code=2009):
    """The controller does not forget a broker that is alive."""


class ControllerBrokerNeedToBeRegistered(BrokerError, code=2010):
    """The broker must register at the controller first."""


class ControllerMasterStillExist(BrokerError, code=2011):
    """The old master is still alive, so none is elected."""


class ControllerElectMasterFailed(BrokerError, code=2012):
    """No replica can be elected."""


class ControllerAlterSyncStateSetFailed(BrokerError, code=2013):
    """The in-sync set could not be changed."""


class ControllerBrokerIdInvalid(BrokerError, code=2014):
    """The broker id is taken, or not the one that was applied for."""


class ControllerJraftInternalError(BrokerError, code=2015):
    """The controller's consensus failed inside."""


class ControllerBrokerLiveInfoNotExists(BrokerError, code=2016):
    """The controller has no heartbeat of the broker yet."""


class LmqQuotaExceeded(BrokerError, code=2017):
    """There are as many lite topics as the broker allows."""


class LiteSubscriptionQuotaExceeded(BrokerError, code=2018):
    """There are as many lite subscriptions as the broker allows."""


class UserNotExist(BrokerError, code=3001):
    """Access control knows no such user."""


class PolicyNotExist(BrokerError, code=3002):
    """Access control has no such policy."""
