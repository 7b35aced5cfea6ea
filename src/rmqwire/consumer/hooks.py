"""What looks at each call of a listener (``ConsumeMessageHook``), traces among it, and at what comes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from rmqwire.codec import message_const as const
from rmqwire.codec.trace import (
    ReturnType,
    TracedMessage,
    encode_sub_after,
    encode_sub_before,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.trace import TraceDispatcher

logger = logging.getLogger(__name__)

Message = TypeVar("Message", bound="MessageExt")


@dataclass(slots=True)
class ConsumeContext:
    """One call of a listener, or what was given out otherwise.

    Args:
        consumer_group: whose.
        messages: of one queue, at least one.
        queue: which.
        started_ms: when it began, ms since the epoch.
        status: what the listener said, as text; None before it has.
        success: whether the messages are consumed.
        return_type: how the call went.
        notes: what a hook remembers from ``before`` to ``after``.
    """

    consumer_group: str
    messages: Sequence[MessageExt]
    queue: MessageQueue
    started_ms: int
    status: str | None = None
    success: bool = False
    return_type: ReturnType = ReturnType.SUCCESS
    notes: dict[object, object] = field(default_factory=dict)


class ConsumeHook:
    """Override what is of interest; it is called in the event loop and must not block."""

    def wants(self, message: MessageExt) -> bool:
        """Return whether a message that has come is to be consumed (``FilterMessageHook``).

        One that isn't counts as consumed. What is raised is logged, and the message consumed.
        """
        return True

    def before(self, context: ConsumeContext) -> None:
        """See messages before the listener does; what is raised is logged."""

    def after(self, context: ConsumeContext) -> None:
        """See how they were consumed; what is raised is logged."""


def _wants(hook: ConsumeHook, message: MessageExt) -> bool:
    try:
        return hook.wants(message)
    except Exception:  # the user's code
        logger.exception("the hook %r about %s", hook, message)
        return True


class ConsumeHooks:
    """The hooks of one consumer.

    Args:
        group: the consumer group.
        hooks: they are told in this order.
        wall_ms: the wall clock, ms since the epoch.
    """

    def __init__(self, group: str, hooks: Iterable[ConsumeHook], wall_ms: WallMs) -> None:
        self._group = group
        self.hooks = list(hooks)
        self._filters = [one for one in self.hooks if type(one).wants is not ConsumeHook.wants]
        self._wall_ms = wall_ms

    def wants(self, message: MessageExt) -> bool:
        """Return whether all hooks want a message."""
        return all(_wants(hook, message) for hook in self._filters)

    def wanted(self, messages: list[Message]) -> list[Message]:
        """Return those of the messages that all hooks want."""
        return [one for one in messages if self.wants(one)] if self._filters else messages

    def before(self, messages: Sequence[MessageExt], queue: MessageQueue) -> ConsumeContext | None:
        """Tell that messages are about to be consumed; None without hooks."""
        if not self.hooks:
            return None
        context = ConsumeContext(self._group, messages, queue, self._wall_ms())
        for hook in self.hooks:
            try:
                hook.before(context)
            except Exception:  # the user's code
                logger.exception("consumeMessageHook executeHookBefore exception")
        return context

    def after(
        self, context: ConsumeContext | None, status: str | None, kind: ReturnType, *, success: bool
    ) -> None:
        """Tell how they were consumed."""
        if context is None:
            return
        context.status, context.return_type, context.success = status, kind, success
        for hook in self.hooks:
            try:
                hook.after(context)
            except Exception:  # the user's code
                logger.exception("consumeMessageHook executeHookAfter exception")

    def given(
        self, messages: Sequence[MessageExt], queue: MessageQueue, *, success: bool = True
    ) -> None:
        """Tell both at once, of messages that no listener had."""
        context = self.before(messages, queue)
        kind = ReturnType.SUCCESS if success else ReturnType.FAILED
        status = "CONSUME_SUCCESS" if success else "RECONSUME_LATER"
        self.after(context, status, kind, success=success)


def return_type(status: object, *, raised: bool, late: bool, failed: bool) -> ReturnType:
    """Return how a listener's call went, in the order in which Java asks.

    Args:
        status: what it returned, None for nothing.
        raised: it raised instead.
        late: it took longer than consumeTimeout.
        failed: it said that the messages are to come again.
    """
    if status is None:
        return ReturnType.EXCEPTION if raised else ReturnType.RETURNNULL
    if late:
        return ReturnType.TIME_OUT
    return ReturnType.FAILED if failed else ReturnType.SUCCESS


class ConsumeTraceHook(ConsumeHook):
    """Traces what is consumed (``ConsumeMessageTraceHookImpl``).

    Args:
        dispatcher: takes the records.
    """

    def __init__(self, dispatcher: TraceDispatcher) -> None:
        self._dispatcher = dispatcher

    def before(self, context: ConsumeContext) -> None:
        """Trace the beginning of a call."""
        traced = [one for one in context.messages if one.properties.get("TRACE_ON") != "false"]
        beans = [
            TracedMessage(one.topic, one.msg_id, one.tags, one.keys, one.reconsume_times)
            for one in traced
        ]
        if not traced:
            return
        region = traced[-1].properties.get(const.PROPERTY_MSG_REGION)
        if region is None and self._dispatcher.needs_region:
            return
        request_id = self._dispatcher.new_id()
        context.notes[self] = (beans, request_id)
        record = encode_sub_before(
            beans,
            timestamp=context.started_ms,
            region=region,
            group=context.consumer_group,
            request_id=request_id,
        )
        self._append(beans, record)

    def after(self, context: ConsumeContext) -> None:
        """Trace its end."""
        noted = context.notes.get(self)
        if not isinstance(noted, tuple):
            return
        beans, request_id = noted
        now = self._dispatcher.wall_ms()
        record = encode_sub_after(
            beans,
            timestamp=now,
            group=context.consumer_group,
            request_id=request_id,
            cost_ms=(now - context.started_ms) // len(context.messages),
            success=context.success,
            kind=context.return_type,
        )
        self._append(beans, record)

    def _append(self, beans: list[TracedMessage], record: str) -> None:
        names = [name for bean in beans for name in bean.names()]
        self._dispatcher.append(beans[0].topic, record, names)
