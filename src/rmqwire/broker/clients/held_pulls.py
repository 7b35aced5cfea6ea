"""Pulls that wait for messages (``PullRequestHoldService``).

A pull that found nothing stays here until a matching message arrives in its queue or its deadline
passes; then its ``wake`` runs it again, and that time it is answered whatever it finds. The store
tells an arrival once per queue, pass and tags code, so a pull wakes for its own tags only; what came for
a pull with an expression is looked at in the queue. ``check`` compares all queues with the store,
in case an arrival was never told (a slave, a recovered queue); without a tags code every pull that
has something new is woken, and its read filters: so its consumer's offset goes on, as in Java.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.clients.held import HeldRequest, HeldRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer


class HeldPull(HeldRequest[tuple[str, int]]):
    """One waiting pull request; its key is topic and queue id.

    Args:
        connection: where the answer goes.
        request: the pull as it came.
        key: topic and queue id.
        offset: queue offset that it waits for.
        deadline_ms: when it is answered in any case.
        wake: runs it again; it may hold a new pull, not the same one.
        wanted: what it asks for; None takes every message.

    Attributes:
        passed: up to which queue offset there was nothing for it.
    """

    __slots__ = ("offset", "passed")

    def __init__(
        self,
        connection: Peer,
        request: RemotingCommand,
        key: tuple[str, int],
        offset: int,
        deadline_ms: int,
        wake: Callable[[HeldPull], None],
        wanted: Filter | None = None,
    ) -> None:
        super().__init__(connection, request, key, deadline_ms, wake, wanted)
        self.offset = offset
        self.passed = offset


class LongPolling(HeldRequests[HeldPull]):
    """All waiting pulls of one broker.

    Args:
        max_offset: gives the end (exclusive) of a queue: ``max_offset(topic, queue_id)``.
        next_wanted: ``MessageStore.next_wanted``.
    """

    def __init__(
        self,
        max_offset: Callable[[str, int], int],
        next_wanted: Callable[[str, int, int, Filter], int],
    ) -> None:
        super().__init__()
        self._max_offset = max_offset
        self._next_wanted = next_wanted

    def arrived(self, topic: str, queue_id: int, max_offset: int, tags_code: int | None) -> None:
        """Wake the pulls of a queue that grew to ``max_offset`` (exclusive).

        Args:
            topic: topic of the queue.
            queue_id: id of the queue.
            max_offset: end of the queue now, in messages.
            tags_code: one that came; None when unknown.
        """
        key = (topic, queue_id)
        pulls = self._by_key.get(key)
        if not pulls:
            return
        ready = [pull for pull in pulls if self._is_ready(pull, max_offset, tags_code)]
        if ready:
            self._end(key, ready)

    def _is_ready(self, pull: HeldPull, max_offset: int, tags_code: int | None) -> bool:
        """Return whether the queue's new end brought something for the pull."""
        if max_offset <= pull.offset:
            return False
        wanted = pull.wanted
        if tags_code is None or wanted is None:
            return True
        if wanted.wants_code is not None and not wanted.wants_code(tags_code):
            return False
        if wanted.wants is None:
            return True
        topic, queue_id = pull.key
        pull.passed = self._next_wanted(topic, queue_id, pull.passed, wanted)
        return pull.passed < max_offset

    def check(self) -> None:
        """Compare every queue that is waited for with the store."""
        for topic, queue_id in [held[0].key for held in self._by_key.values()]:
            self.arrived(topic, queue_id, self._max_offset(topic, queue_id), None)
