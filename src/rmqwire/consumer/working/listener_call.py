"""Calling a user's listener: plain or async, with a context or without, in a thread or not."""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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

    Raises:
        UsageError: it can't be called so.
    """

    __slots__ = ("_group", "_in_threads", "_listener", "_status", "_with_context")

    def __init__(
        self,
        listener: Callable[..., Any],
        status: type[Status],
        group: str,
        tasks: Tasks | None = None,
    ) -> None:
        self._with_context = takes_context(listener)
        self._listener = listener
        self._status = status
        self._group = group
        self._in_threads = None if inspect.iscoroutinefunction(listener) else tasks

    async def run(self, topic: str, messages: list[MessageExt], context: object) -> Outcome[Status]:
        """Call the listener; what it raises is logged."""
        arguments = (list(messages), context) if self._with_context else (list(messages),)
        try:
            if self._in_threads is not None:
                result = await self._in_threads.in_thread(self._listener, *arguments)
            else:
                result = self._listener(*arguments)
            if not isinstance(result, self._status) and inspect.isawaitable(result):
                result = await result
        except Exception as error:  # the listener is the user's code: logged, then tried again
            logger.exception("the listener of %s failed, group %s", topic, self._group)
            return Outcome(None, f"{type(error).__name__}: {error}")
        if not isinstance(result, self._status):
            logger.warning("the listener of %s returned %r, group %s", topic, result, self._group)
            return Outcome(None)
        return Outcome(result)


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
