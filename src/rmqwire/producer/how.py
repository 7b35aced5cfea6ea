"""How a message is sent: what the keywords of ``Producer.send`` say, as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.producer.selector import MessageQueueSelector, selector_of

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.outgoing import Messages


class How(msgspec.Struct, frozen=True):
    """How a message is sent.

    Args:
        queue: to this queue, once.
        selector: to the queue that it chooses, once.
        arg: for the selector.
        timeout_ms: for all of it; None for sendMsgTimeout.
        soon: with the retries of ``Producer.send_soon``, not those of ``send``.
    """

    queue: MessageQueue | None = None
    selector: MessageQueueSelector | None = None
    arg: object = None
    timeout_ms: int | None = None
    soon: bool = False

    def within(self, timeout_ms: int) -> How:
        """Return the same with another time limit."""
        return How(self.queue, self.selector, self.arg, timeout_ms, self.soon)


PLAIN: Final = How()
SOON: Final = How(soon=True)


def how_of(
    message: Messages,
    queue: MessageQueue | None,
    key: object,
    selector: MessageQueueSelector | None,
    arg: object,
    timeout_ms: int | None,
    *,
    soon: bool,
) -> How:
    """Return how a message is sent that was given with these keywords.

    Raises:
        UsageError: a key and a selector.
    """
    selector, arg = selector_of(message, key, selector, arg)
    if queue is None and selector is None and timeout_ms is None:
        return SOON if soon else PLAIN
    return How(queue, selector, arg, timeout_ms, soon)
