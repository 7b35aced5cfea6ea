"""The queues of topics that groups ask to be given (``TopicRouteInfoManager``).

A topic may have queues at other brokers, so a name server is asked: when a group first asks for its
part, which waits for the answer, and each ``loadBalancePollNameServerInterval`` from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.bodies import MessageQueue

    Queues: TypeAlias = set[MessageQueue] | None


class TopicRoutes:
    """What is known, and the requests that wait to know it; asking is ``route_rounds``'s.

    Args:
        wanted: called when a topic must be asked for.
    """

    def __init__(self, wanted: Callable[[], None]) -> None:
        self._tell_wanted = wanted
        self._known: dict[str, set[MessageQueue]] = {}
        self._writable: dict[str, list[MessageQueue]] = {}
        self._waiting: dict[str, list[Callable[[Queues], None]]] = {}

    def ask(self, topic: str, then: Callable[[Queues], None]) -> None:
        """Call ``then`` with the topic's readable queues, now or when a name server has answered.

        It gets None when no name server knows the topic or none can be asked.
        """
        queues = self._known.get(topic)
        if queues:
            then(queues)
            return
        self._waiting.setdefault(topic, []).append(then)
        self._tell_wanted()

    def write_queues(self, topic: str) -> list[MessageQueue]:
        """Return the queues to send to, as producers order them; none if they are not known."""
        return self._writable.get(topic, [])

    def waiting(self) -> list[str]:
        """Return the topics that requests wait for."""
        return list(self._waiting)

    def known(self) -> list[str]:
        """Return the topics to ask for from time to time."""
        return list(self._known)

    def found(
        self, topic: str, queues: set[MessageQueue], writable: list[MessageQueue] | None = None
    ) -> None:
        """Take a topic's queues from a name server.

        Args:
            topic: the topic.
            queues: to read.
            writable: to write, in the order of producers.
        """
        self._known[topic] = queues
        self._writable[topic] = writable or []
        self._release(topic)

    def gone(self, topic: str) -> None:
        """Hear of a name server that there is no such topic."""
        self._known.pop(topic, None)
        self._writable.pop(topic, None)
        self._release(topic)

    def unknown(self, topic: str) -> None:
        """Hear that no name server could be asked: what was known counts on."""
        self._release(topic)

    def _release(self, topic: str) -> None:
        for then in self._waiting.pop(topic, ()):
            then(self._known.get(topic))
