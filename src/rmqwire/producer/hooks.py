"""What looks at each attempt of a send (``SendMessageHook``, ``CheckForbiddenHook``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmqwire.codec.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.client.requests import OutgoingMessage
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.results import SendResult

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SendContext:
    """One attempt of a send, to one broker.

    Args:
        producer_group: who sends.
        message: what, one message or a batch.
        outgoing: the same as it goes on the wire.
        queue: where to.
        broker_addr: who is asked.
        started_ms: when, ms since the epoch.
        result: the broker's answer; None before it, after a failure and of a oneway send.
        error: why there is none.
        notes: what a hook remembers from ``before`` to ``after``.
    """

    producer_group: str
    message: Messages
    outgoing: OutgoingMessage
    queue: MessageQueue
    broker_addr: str
    started_ms: int
    result: SendResult | None = None
    error: Exception | None = None
    notes: dict[object, object] = field(default_factory=dict)


@dataclass(slots=True)
class Sending:
    """One send, however many attempts it takes.

    Args:
        producer_group: who sends.
        messages: what, at least one.
        result: of a send that has succeeded; None of a oneway send.
        error: of one that has failed.
        notes: what a hook remembers from ``begin`` to ``end``.
    """

    producer_group: str
    messages: Sequence[Message]
    result: SendResult | None = None
    error: BaseException | None = None
    notes: dict[object, object] = field(default_factory=dict)


class SendHook:
    """Override what is of interest; it is called in the event loop and must not block.

    ``begin`` and ``end`` are called once for a send, with the context variables of whoever sends, the
    others for each attempt.
    """

    def begin(self, sending: Sending) -> None:
        """See messages before they are encoded, so that properties can still be set."""

    def end(self, sending: Sending) -> None:
        """See how the send went; what is raised is logged."""

    def check_forbidden(self, context: SendContext) -> None:
        """Raise what the sender is to get instead of a send."""

    def before(self, context: SendContext) -> None:
        """See an attempt before it is made; what is raised is logged."""

    def after(self, context: SendContext) -> None:
        """See how an attempt went; what is raised is logged."""


def begin(hooks: Sequence[SendHook], group: str, message: Messages) -> Sending:
    """Tell each hook of a send; what is raised is logged."""
    sending = Sending(group, [message] if isinstance(message, Message) else message)
    for hook in hooks:
        try:
            hook.begin(sending)
        except Exception:  # the user's code
            logger.exception("the beginning of a send")
    return sending


def end(hooks: Sequence[SendHook], sending: Sending) -> None:
    """Tell each hook how a send went."""
    for hook in hooks:
        try:
            hook.end(sending)
        except Exception:  # the user's code
            logger.exception("the end of a send")


def check_forbidden(hooks: Sequence[SendHook], context: SendContext) -> None:
    """Let each hook forbid an attempt by what it raises."""
    for hook in hooks:
        hook.check_forbidden(context)


def run_before(hooks: Sequence[SendHook], context: SendContext) -> None:
    """Tell each hook of an attempt that is about to be made."""
    for hook in hooks:
        try:
            hook.before(context)
        except Exception:  # the user's code
            logger.exception("failed to executeSendMessageHookBefore")


def run_after(hooks: Sequence[SendHook], context: SendContext) -> None:
    """Tell each hook how an attempt went."""
    for hook in hooks:
        try:
            hook.after(context)
        except Exception:  # the user's code
            logger.exception("failed to executeSendMessageHookAfter")
