"""What waited while the disk stood still is refused, not stored late (``BrokerFastFailure``).

Java empties its queue of sends while a put has been in the log's lock for osPageCacheBusyTimeOutMills;
their producers go to another broker. Here one event loop writes and answers: it can't say so before the
write is over. So the sends of the pass that follows at once, which have waited in the sockets, get Java's answer
then: a producer has given up on them or sent them elsewhere, and to store them too would make them come twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import MonoMs
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import RpcHook

LINGER_MS: Final = 50  # a pass that begins later has brought nothing that waited
_SENDS: Final = frozenset(
    {
        RequestCode.SEND_MESSAGE,
        RequestCode.SEND_MESSAGE_V2,
        RequestCode.SEND_BATCH_MESSAGE,
        RequestCode.CONSUMER_SEND_MSG_BACK,
    }
)


class BrokerFastFailure:
    """Refuses sends for one pass after a stall.

    Args:
        config: ``brokerFastFailureEnable``.
        busy_ms: ``osPageCacheBusyTimeOutMills``.
        hooks: of the broker's requests; it is one of them while it refuses, and costs nothing else.
        mono_ms: monotonic clock.
    """

    def __init__(
        self, config: BrokerConfig, busy_ms: int, hooks: list[RpcHook], mono_ms: MonoMs
    ) -> None:
        self._config = config
        self._busy_ms = busy_ms
        self._hooks = hooks
        self._mono_ms = mono_ms
        self._stalled_ms = 0
        self._ended_ms = 0
        self.refuses = False

    def stalled(self, elapsed_ms: int) -> None:
        """Refuse from now on, if a pass of puts that has just ended took too long.

        Args:
            elapsed_ms: what it took.
        """
        if elapsed_ms <= self._busy_ms or not self._config.broker_fast_failure_enable:
            return
        self._stalled_ms = elapsed_ms
        self._ended_ms = self._mono_ms()
        if not self.refuses:
            self.refuses = True
            self._hooks.insert(0, self)

    def release(self) -> None:
        """Refuse no more: the pass after the stall is over."""
        self.refuses = False
        self._hooks.remove(self)

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse a send that has waited.

        Raises:
            Reject: SYSTEM_BUSY, with Java's remark.
        """
        del addr
        if request.code in _SENDS and self._mono_ms() - self._ended_ms <= LINGER_MS:
            raise Reject(
                ResponseCode.SYSTEM_BUSY,
                "[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: "
                f"{self._stalled_ms}ms, size of queue: 0",
            )

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Do nothing: there is nothing to add to an answer."""
