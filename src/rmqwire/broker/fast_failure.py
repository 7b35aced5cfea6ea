"""Requests that have waited for too long are refused, not done late (``BrokerFastFailure``).

Two kinds, with Java's remarks; their producers have given up or gone to another broker, and what is stored
late as well comes twice:

    [TIMEOUT_CLEAN_QUEUE]  waited in its socket for the time that the queue of its kind has in Java. Nothing
                           waits in queues here: the kernel says how old the bytes of a socket are
                           (``remoting/transport.py``), asked only when the loop has been busy.
    [PCBUSY_CLEAN_QUEUE]   a send of the pass that follows a put of more than osPageCacheBusyTimeOutMills.

Java refuses during such a put, by [REJECTREQUEST] too. Here one event loop writes and answers: it can't say
anything before the write is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import MonoMs
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import RpcHook

    Wait = Callable[[BrokerConfig], int]  # returns ms

LINGER_MS: Final = 50  # a pass that begins later has brought nothing that waited
_SENDS: Final = (
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_BATCH_MESSAGE,
    RequestCode.CONSUMER_SEND_MSG_BACK,
    RequestCode.RECALL_MESSAGE,
)
# The setting of each queue that Java looks through, and the codes whose requests go into it.
_QUEUES: Final[tuple[tuple[Wait, tuple[RequestCode, ...]], ...]] = (
    (lambda config: config.wait_time_mills_in_send_queue, _SENDS),
    (
        lambda config: config.wait_time_mills_in_pull_queue,
        (
            RequestCode.PULL_MESSAGE,
            RequestCode.PEEK_MESSAGE,
            RequestCode.POP_MESSAGE,
            RequestCode.NOTIFICATION,
            RequestCode.POLLING_INFO,
        ),
    ),
    (lambda config: config.wait_time_mills_in_lite_pull_queue, (RequestCode.LITE_PULL_MESSAGE,)),
    (
        lambda config: config.wait_time_mills_in_ack_queue,
        (
            RequestCode.ACK_MESSAGE,
            RequestCode.BATCH_ACK_MESSAGE,
            RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
        ),
    ),
    (lambda config: config.wait_time_mills_in_heartbeat_queue, (RequestCode.HEART_BEAT,)),
    (lambda config: config.wait_time_mills_in_transaction_queue, (RequestCode.END_TRANSACTION,)),
)
# What waits in queues that Java doesn't look through.
_PATIENT: Final = (
    RequestCode.SEND_REPLY_MESSAGE,
    RequestCode.SEND_REPLY_MESSAGE_V2,
    RequestCode.QUERY_MESSAGE,
    RequestCode.VIEW_MESSAGE_BY_ID,
    RequestCode.UNREGISTER_CLIENT,
    RequestCode.CHECK_CLIENT_CONFIG,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP,
    RequestCode.UPDATE_CONSUMER_OFFSET,
    RequestCode.QUERY_CONSUMER_OFFSET,
    RequestCode.QUERY_ASSIGNMENT,
    RequestCode.SET_MESSAGE_REQUEST_MODE,
)
_WAIT_OF: Final[Mapping[int, Wait | None]] = {
    **dict.fromkeys(map(int, _PATIENT)),
    **{int(code): wait for wait, codes in _QUEUES for code in codes},
}


def _admin_wait(config: BrokerConfig) -> int:
    """Return how long all other requests may wait in 5.x."""
    return config.wait_time_mills_in_admin_broker_queue


class BrokerFastFailure:
    """Refuses what has waited; it is one of the broker's hooks while there is something to refuse.

    Args:
        config: ``brokerFastFailureEnable`` and ``waitTimeMillsIn*Queue``.
        release: whether administrators' requests are looked through too.
        busy_ms: ``osPageCacheBusyTimeOutMills``.
        hooks: of the broker's requests; costs nothing while it is none of them.
        mono_ms: monotonic clock.

    Attributes:
        after_stall: the pass under way follows a put that took too long.
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        busy_ms: int,
        hooks: list[RpcHook],
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._others = _admin_wait if release.broker.admin_queue_expires else None
        self._waits = [wait for wait, _ in _QUEUES] + [_admin_wait]
        self._busy_ms = busy_ms
        self._hooks = hooks
        self._mono_ms = mono_ms
        self._waited_ms = 0
        self._stalled_ms = 0
        self._ended_ms = 0
        self.after_stall = False

    @property
    def least_ms(self) -> int:
        """The shortest of the waits that are refused, ms."""
        return min(wait(self._config) for wait in self._waits)

    # --- what has happened

    def stalled(self, elapsed_ms: int) -> None:
        """Refuse the sends of the next pass, if a pass of puts that has just ended took too long.

        Args:
            elapsed_ms: what it took.
        """
        if elapsed_ms <= self._busy_ms or not self._config.broker_fast_failure_enable:
            return
        self._stalled_ms = elapsed_ms
        self._ended_ms = self._mono_ms()
        self.after_stall = True
        self._hook()

    def release(self) -> None:
        """End that: the pass after the stall is over."""
        self.after_stall = False
        self._hook()

    def waited(self, waited_ms: int) -> None:
        """Hear how long the requests that are handled next have waited in their socket.

        Args:
            waited_ms: 0 once they are handled.
        """
        self._waited_ms = waited_ms if self._config.broker_fast_failure_enable else 0
        self._hook()

    def _hook(self) -> None:
        """Be one of the hooks, or none of them."""
        wanted = self.after_stall or self._waited_ms > 0
        if wanted and self not in self._hooks:
            self._hooks.insert(0, self)
        elif not wanted and self in self._hooks:
            self._hooks.remove(self)

    # --- as a hook

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse a request that has waited.

        Raises:
            Reject: SYSTEM_BUSY, with Java's remark.
        """
        del addr
        wait = _WAIT_OF.get(request.code, self._others)
        if wait is None:
            return
        if (
            self.after_stall
            and request.code in _SENDS
            and self._mono_ms() - self._ended_ms <= LINGER_MS
        ):
            raise _busy("PCBUSY", self._stalled_ms)
        if 0 < self._waited_ms >= wait(self._config):
            raise _busy("TIMEOUT", self._waited_ms)

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Do nothing: there is nothing to add to an answer."""


def _busy(kind: str, waited_ms: int) -> Reject:
    return Reject(
        ResponseCode.SYSTEM_BUSY,
        f"[{kind}_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: "
        f"{waited_ms}ms, size of queue: 0",
    )
