"""Sends of other threads: no task of the engine's where they have nothing to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from rmqwire.bridge.engine import Call
from rmqwire.producer.results import SendResult

if TYPE_CHECKING:
    import trio

    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.producer import Producer
    from rmqwire.producer.selector import MessageQueueSelector


class SendOptions(TypedDict):
    """How a message is sent: the keywords of ``Producer.send``."""

    queue: MessageQueue | None
    key: object
    selector: MessageQueueSelector | None
    arg: object
    timeout_ms: int | None


class SendCall(Call[SendResult]):
    """One send on its way to the engine and back.

    A caller that gives it up hears no more of it; it may be sent all the same.

    Args:
        producer: sends.
        message: one message, or several.
        options: how.
        soon: with the retries of ``send_soon``, not those of ``send``.
    """

    __slots__ = ("_options", "_producer", "_soon", "message")

    def __init__(
        self, producer: Producer, message: Messages, options: SendOptions, *, soon: bool
    ) -> None:
        super().__init__(inherits=True)
        self.message = message
        self._producer = producer
        self._options = options
        self._soon = soon

    def begin(self, nursery: trio.Nursery) -> None:
        """Send; the producer has the tasks that it may need."""
        try:
            self._producer.begin_send(self, soon=self._soon, **self._options)
        except Exception as error:  # noqa: BLE001  raised where the call was made
            self.end(None, error)

    def begin_now(self, mono_ms: int) -> bool:
        """Send in the caller's thread while the engine sleeps, if that takes nothing of trio's."""
        try:
            return self._producer.begin_now(self, soon=self._soon, mono_ms=mono_ms, **self._options)
        except Exception:  # noqa: BLE001  the engine meets it again, and tells it as it tells all
            return False

    def end(self, result: SendResult | None, error: BaseException | None) -> None:
        """Take the outcome."""
        if result is not None:
            self.value = result
        self.error = error
        self.over()

    def cancel(self) -> None:
        """Do nothing: what is sent is sent, and its answer comes to nobody."""
