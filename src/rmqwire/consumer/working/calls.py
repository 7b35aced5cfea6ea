"""Calling the listeners that work side by side, whatever their messages come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.consumer.hooks import return_type
from rmqwire.consumer.listener import ConsumeConcurrentlyContext, ConsumeStatus
from rmqwire.consumer.working.listener_call import call_listener

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.hooks import ConsumeContext
    from rmqwire.consumer.state import AnyState
    from rmqwire.consumer.working.listener_call import ListenerCall, Outcome
    from rmqwire.consumer.working.window import Window

    Listeners = dict[str, ListenerCall[ConsumeStatus]]


@dataclass(slots=True)
class Consumed:
    """What a listener has said of messages.

    Args:
        done: those that are done with.
        failed: those that are to come again.
        delay_level: when.
    """

    done: list[MessageExt]
    failed: list[MessageExt]
    delay_level: int


class ConcurrentCalls:
    """The calls of one consumer, counted, and told to its hooks.

    Args:
        state: the consumer.
        listeners: listeners by topic; looked at for each call.
        window: what was consumed before.

    Attributes:
        listeners: listeners by topic.
    """

    def __init__(self, state: AnyState, listeners: Listeners, window: Window) -> None:
        self.window = window
        self._state = state
        self.listeners = listeners
        self._wall_ms = state.instance.wall_ms

    async def consume(
        self, messages: list[MessageExt], queue: MessageQueue, late_ms: int
    ) -> Consumed:
        """Call the listener with what wasn't consumed before.

        Args:
            messages: all of one topic, at least one.
            queue: they are from.
            late_ms: after so long the hooks are told that it took too long.
        """
        before, messages = self.window.split(messages)
        if not messages:
            return Consumed(before, [], 0)
        started = self._wall_ms()
        for message in messages:
            message.begin(started)
        context = ConsumeConcurrentlyContext(queue)
        seen = self._state.hooks.before(messages, queue)
        outcome = await self.call(messages, context)
        took_ms = self._wall_ms() - started
        told = self.judge(messages, outcome.status, context, took_ms)
        if seen is not None:
            self._tell(seen, outcome, late=took_ms >= late_ms)
        self.window.remember(told.done)
        return Consumed(before + told.done, told.failed, told.delay_level)

    def judge(
        self,
        messages: list[MessageExt],
        status: ConsumeStatus | None,
        context: ConsumeConcurrentlyContext,
        took_ms: int,
    ) -> Consumed:
        """Count a call, and return what its listener has said of the messages.

        Args:
            messages: all of one topic, at least one.
            status: what it returned, None for nothing.
            context: what it had and may have set.
            took_ms: how long the call took.
        """
        acked, count = 0, len(messages)
        if status is ConsumeStatus.CONSUME_SUCCESS:
            acked = max(0, min(context.ack_index + 1, count))
        topic = messages[0].topic
        self._state.stats.consumed(topic, took_ms, ok=acked, failed=count - acked)
        level = context.delay_level_when_next_consume
        return Consumed(messages[:acked], messages[acked:], level)

    @property
    def unwatched(self) -> bool:
        """Whether nobody looks at calls, and nothing is remembered of what was consumed before."""
        return not self._state.hooks.hooks and self.window.remembers_nothing

    def call(
        self, messages: list[MessageExt], context: ConsumeConcurrentlyContext
    ) -> Awaitable[Outcome[ConsumeStatus]]:
        """Return the call of the listener and nothing else, to be awaited."""
        later = ConsumeStatus.RECONSUME_LATER
        return call_listener(
            self.listeners, messages, context, group=self._state.group, later=later
        )

    def settled(self, delivery: Delivery, queue: MessageQueue, *, failed: bool) -> None:
        """Count a message that somebody who iterates has settled."""
        took_ms = self._wall_ms() - delivery.consume_start_ms
        self._state.stats.consumed(delivery.topic, took_ms, ok=not failed, failed=failed)
        self._state.hooks.given([delivery], queue, success=not failed)
        if not failed:
            self.window.remember([delivery])

    def _tell(self, seen: ConsumeContext, outcome: Outcome[ConsumeStatus], *, late: bool) -> None:
        kind = return_type(
            outcome.status,
            raised=outcome.raised is not None,
            late=late,
            failed=outcome.status is ConsumeStatus.RECONSUME_LATER,
        )
        status = outcome.status or ConsumeStatus.RECONSUME_LATER
        success = status is ConsumeStatus.CONSUME_SUCCESS
        self._state.hooks.after(seen, status.value, kind, success=success)
