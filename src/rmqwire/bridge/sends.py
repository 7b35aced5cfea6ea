"""Sends of other threads: no task of the engine's where they have nothing to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from rmqwire.bridge.engine import Call
from rmqwire.producer.results import SendResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    import trio

    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.selector import MessageQueueSelector
    from rmqwire.producer.send_soon import SendHandle


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
        begin_send: begins it, in the engine, and returns what tells how it went.
        done: called in the engine's thread with the call once it is over.
        variables: context variables that the call sees.
    """

    __slots__ = ("_begin_send",)

    def __init__(
        self,
        begin_send: Callable[[], SendHandle],
        done: Callable[[Call[SendResult]], None],
        variables: Context | None,
    ) -> None:
        super().__init__(done, variables)
        self._begin_send = begin_send

    def begin(self, nursery: trio.Nursery) -> None:
        """Send; the producer has the tasks that it may need."""
        try:
            handle = self._begin_send()
        except Exception as error:  # noqa: BLE001  raised where the call was made
            self.error = error
            self._done(self)
        else:
            handle.add_done_callback(self._ended)

    def _ended(self, handle: SendHandle) -> None:
        if handle.result is not None:
            self.value = handle.result
        else:
            self.error = handle.error
        self._done(self)

    def cancel(self) -> None:
        """Do nothing: what is sent is sent, and its answer comes to nobody."""
