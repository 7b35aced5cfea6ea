"""How a consumer begins and ends: its client, its offsets, its group, its tasks, in this order."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from rmqwire.consumer.hooks import ConsumeTraceHook
from rmqwire.producer.trace import CONSUME, TraceDispatcher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from rmqwire.client.processor import Consumer
    from rmqwire.consumer.group.member import GroupMember
    from rmqwire.consumer.state import AnyState


class Lifetime:
    """From entering ``async with`` to leaving it.

    Args:
        state: the consumer.
        member: its place in the group.
        opening: of its client.
    """

    def __init__(
        self, state: AnyState, member: GroupMember, opening: AbstractAsyncContextManager[object]
    ) -> None:
        self._state = state
        self._member = member
        self._opening = opening
        self.open = False
        self._trace: TraceDispatcher | None = None
        if state.config.enable_trace:
            self._trace = TraceDispatcher(state.group, CONSUME, state.config, state.instance)
            state.hooks.hooks.append(ConsumeTraceHook(self._trace))

    async def begin(self, inner: Consumer, *loops: Callable[[], Awaitable[object]]) -> None:
        """Open the client, join the group and start the tasks.

        Args:
            inner: what brokers may ask of the consumer.
            loops: tasks besides those of a member of a group.

        Raises:
            UsageError: the client has the group already.
            StoreError: stored offsets can't be read.
            BrokerError: a condition can't be used.
        """
        state, member = self._state, self._member
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._opening)
            await state.offsets.load()
            await member.check_conditions()
            state.instance.add_consumer(inner)
            stack.push_async_callback(state.instance.remove_consumer, state.group)
            await stack.enter_async_context(state.tasks)
            self._closing = stack.pop_all()
        self.open = True
        for loop in (member.persist_rounds, *loops, member.rebalance_rounds):
            state.tasks.spawn(loop)
        if self._trace is not None:
            state.tasks.spawn(self._trace.rounds)

    async def end(
        self,
        finish: Callable[[], Awaitable[object]],
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Finish what is under way, store the offsets, leave the group, close the client.

        Args:
            finish: ends the consumer's own work.
            kind: of the exception that left the block, None without one; so the next two.
            error: itself.
            traceback: where it was raised.
        """
        self.open = False
        try:
            await finish()
            await self._member.leave()
            if self._trace is not None and kind is None:
                await self._trace.finish()
        finally:
            swallowed = await self._closing.__aexit__(kind, error, traceback)
        return swallowed
