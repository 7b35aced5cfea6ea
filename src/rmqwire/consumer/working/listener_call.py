"""Calling a user's listener: plain or async, with a context or without, in a thread or not."""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from enum import Enum
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rmqwire.consumer.working.elsewhere import Elsewhere
from rmqwire.consumer.working.stepping import Begun, begin, directly, other_steps
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.tasks import Tasks

logger = logging.getLogger(__name__)

Status = TypeVar("Status", bound=Enum)


@dataclass(slots=True)
class Outcome(Generic[Status]):
    """What a listener said.

    Args:
        status: its status; None when it gave none, or raised.
        raised: what it raised, in words.
    """

    status: Status | None
    raised: str | None = None


class ListenerCall(Generic[Status]):
    """One listener of a consumer.

    Args:
        listener: called with a list of messages, and with a context if it takes two arguments.
        status: what it has to return.
        group: for the log.
        tasks: calls blocking listeners; None to call plain functions in the event loop.

    Attributes:
        elsewhere: says where it is called, None: in the consumer's loop.
        there: calls it there.
        with_context: whether it takes one.

    Raises:
        UsageError: it can't be called so.
    """

    __slots__ = (
        "_group",
        "_in_threads",
        "_listener",
        "_status",
        "elsewhere",
        "there",
        "with_context",
    )

    def __init__(
        self,
        listener: Callable[..., Any],
        status: type[Status],
        group: str,
        tasks: Tasks | None = None,
    ) -> None:
        self.elsewhere = listener if isinstance(listener, Elsewhere) else None
        self.with_context = takes_context(self.elsewhere.listener if self.elsewhere else listener)
        self._listener = listener
        self._status = status
        self._group = group
        self.there: ListenerCall[Status] | None = None
        if self.elsewhere is not None:
            self.there = ListenerCall(self.elsewhere.listener, status, group)
        called_here = self.elsewhere is not None or inspect.iscoroutinefunction(listener)
        self._in_threads = None if called_here else tasks

    def start(
        self, topic: str, messages: list[MessageExt], context: object
    ) -> Status | Outcome[Status] | Begun:
        """Call the listener, as far as it goes without waiting; what it raises is logged.

        Args:
            topic: of all messages.
            messages: the listener may keep the list.
            context: what the listener may read and set.

        Returns:
            its status, what it did instead of returning one, or ``Begun``, for ``finish``.
        """
        try:
            if self.with_context or self._in_threads is not None:
                result = self.call(messages, context)
            else:
                result = self._listener(messages)
            if type(result) is CoroutineType:  # as ``begin`` does, without a call for each
                try:
                    waits_for = result.send(None)
                except StopIteration as end:
                    result = end.value
                else:
                    return Begun(result, waits_for)
            elif not isinstance(result, self._status):
                result = begin(result)
                if isinstance(result, Begun):
                    return result
        except Exception as error:  # noqa: BLE001  the listener is the user's code: logged, then tried again
            return self.raised(topic, error)
        return result if isinstance(result, self._status) else self.judged(topic, result)

    def call(self, messages: list[MessageExt], context: object) -> Any:  # noqa: ANN401  what it returns
        """Call the listener, and return what it returns.

        Raises:
            Exception: what it raises.
        """
        if self._in_threads is None:
            return (
                self._listener(messages, context) if self.with_context else self._listener(messages)
            )
        arguments = (messages, context) if self.with_context else (messages,)
        return self._call_in_thread(self._in_threads, *arguments)

    async def _call_in_thread(self, tasks: Tasks, *arguments: object) -> object:
        result = await tasks.in_thread(self._listener, *arguments)
        return await result if inspect.isawaitable(result) else result

    async def finish(
        self, topic: str, begun: Begun, run: Callable[[Callable[[], object]], object] = directly
    ) -> Status | Outcome[Status]:
        """Wait for a call that ``start`` began in this task, and return what it comes to.

        Args:
            topic: of its messages.
            begun: the call.
            run: makes each of its steps.
        """
        try:
            result = await other_steps(begun, run)
        except Exception as error:  # noqa: BLE001  as in start
            return self.raised(topic, error)
        return self.judged(topic, result)

    def judged(self, topic: str, result: object) -> Status | Outcome[Status]:
        """Return the status that a listener has returned; anything else is logged."""
        if isinstance(result, self._status):
            return result
        logger.warning("the listener of %s returned %r, group %s", topic, result, self._group)
        return Outcome(None)

    def raised(self, topic: str, error: BaseException) -> Outcome[Status]:
        """Return what a call that has raised comes to; it is logged."""
        logger.error("the listener of %s failed, group %s", topic, self._group, exc_info=error)
        return Outcome(None, f"{type(error).__name__}: {error}")

    async def run(self, topic: str, messages: list[MessageExt], context: object) -> Outcome[Status]:
        """Call the listener; what it raises is logged."""
        told = self.start(topic, list(messages), context)
        if isinstance(told, Begun):
            told = await self.finish(topic, told)
        return told if isinstance(told, Outcome) else Outcome(told)


def call_listener(
    listeners: Mapping[str, ListenerCall[Status]],
    messages: list[MessageExt],
    context: object,
    *,
    group: str,
    later: Status,
) -> Awaitable[Outcome[Status]]:
    """Return the call of the listener of the messages' topic, to be awaited.

    Args:
        listeners: listeners by topic.
        messages: all of one topic, at least one.
        context: what the listener may read and set.
        group: for the log.
        later: the status without a listener.
    """
    topic = messages[0].topic
    listener = listeners.get(topic)
    if listener is None:
        return _without_listener(topic, group, later)
    return listener.run(topic, messages, context)


async def _without_listener(topic: str, group: str, later: Status) -> Outcome[Status]:
    logger.warning("no listener for topic %s in group %s", topic, group)
    return Outcome(later)


def takes_context(listener: object) -> bool:
    """Return whether a listener has to be called with a context too.

    Raises:
        UsageError: it can't be called with messages, nor with messages and a context.
    """
    if not callable(listener):
        raise UsageError(f"the listener {listener!r} can't be called")
    try:
        signature = inspect.signature(listener)
    except ValueError:
        return False  # written in C, and silent about what it takes
    for arguments in ((None,), (None, None)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return len(arguments) == 2
    raise UsageError(f"the listener {listener!r} must take messages, or messages and a context")
