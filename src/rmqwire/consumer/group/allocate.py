"""Dividing the queues of a topic among a group (Java's ``AllocateMessageQueueStrategy`` classes).

The two that a broker computes too, and the order of queues and client ids, are in
:mod:`rmqwire.codec.allocation`; here are the rest of Java's six. A strategy is any function of (client id, queues, client ids of all members), both lists in order,
that returns the client's part. Those here are Java's six.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from typing import TYPE_CHECKING

from rmqwire.codec.allocation import sort_client_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue


def allocate(
    strategy: AllocateStrategy,
    client_id: str,
    queues: Iterable[MessageQueue],
    client_ids: Iterable[str],
) -> list[MessageQueue]:
    """Ask a strategy for the part of ``client_id`` (``RebalanceImpl.rebalanceByTopic``).

    Args:
        strategy: how to divide.
        client_id: whose part.
        queues: all queues of the topic, in any order.
        client_ids: all members of the group, in any order.
    """
    return list(strategy(client_id, sorted(queues), sort_client_ids(client_ids)))


def allocate_by_config(mine: Iterable[MessageQueue]) -> AllocateStrategy:
    """Return a strategy that gives always the same queues (``AllocateMessageQueueByConfig``)."""
    fixed = list(mine)

    def strategy(
        client_id: str, queues: list[MessageQueue], client_ids: list[str]
    ) -> list[MessageQueue]:
        return fixed

    return strategy


def allocate_by_machine_room(rooms: Iterable[str]) -> AllocateStrategy:
    """Return a strategy for brokers named ``room@name`` (``AllocateMessageQueueByMachineRoom``).

    Only brokers of ``rooms`` count. Each member gets as many consecutive queues as come out even;
    the first members get one more each, from the end of the list.
    """
    wanted = frozenset(rooms)

    def strategy(
        client_id: str, queues: list[MessageQueue], client_ids: list[str]
    ) -> list[MessageQueue]:
        if client_id not in client_ids:
            return []
        index = client_ids.index(client_id)
        near = [queue for queue in queues if _room_of(queue.broker_name) in wanted]
        share, rest = divmod(len(near), len(client_ids))
        last = share * len(client_ids) + index
        return near[index * share : (index + 1) * share] + near[last : last + (index < rest)]

    return strategy


def _room_of(broker_name: str) -> str | None:
    # String.split drops empty parts at the end
    parts = broker_name.rstrip("@").split("@")
    return parts[0] if len(parts) == 2 else None


def allocate_machine_room_nearby(
    within: AllocateStrategy,
    broker_room: Callable[[MessageQueue], str],
    client_room: Callable[[str], str],
) -> AllocateStrategy:
    """Return a strategy that keeps queues in their machine room (``AllocateMachineRoomNearby``).

    Args:
        within: divides the queues of a room among the room's members, and those of a room without
            members among all.
        broker_room: tells the room of a queue's broker; an empty one is an error.
        client_room: tells the room of a client id; an empty one is an error.
    """

    def strategy(
        client_id: str, queues: list[MessageQueue], client_ids: list[str]
    ) -> list[MessageQueue]:
        if client_id not in client_ids:
            return []
        queues_in: dict[str, list[MessageQueue]] = {}
        for queue in queues:
            queues_in.setdefault(_named(broker_room(queue), "mq", queue), []).append(queue)
        members_in: dict[str, list[str]] = {}
        for member in client_ids:
            room = _named(client_room(member), "consumer id", member)
            members_in.setdefault(room, []).append(member)
        own = client_room(client_id)
        part: list[MessageQueue] = []
        if own in queues_in:
            part += within(client_id, queues_in.pop(own), members_in[own])
        for room in sort_client_ids(queues_in):
            if room not in members_in:
                part += within(client_id, queues_in[room], client_ids)
        return part

    return strategy


def _named(room: str, what: str, whose: object) -> str:
    if not room:
        raise ValueError(f"Machine room is null for {what} {whose}")
    return room


def allocate_by_consistent_hash(virtual_nodes: int = 10) -> AllocateStrategy:
    """Return a strategy that moves few queues when members change.

    ``AllocateMessageQueueConsistentHash``: each member stands at ``virtual_nodes`` places of a
    ring, a queue belongs to the next place from its own hash on.
    """
    if virtual_nodes < 0:
        raise ValueError(f"illegal virtualNodeCnt :{virtual_nodes}")

    def strategy(
        client_id: str, queues: list[MessageQueue], client_ids: list[str]
    ) -> list[MessageQueue]:
        if client_id not in client_ids or not virtual_nodes:
            return []
        ring = {
            _place(f"{member}-{number}"): member
            for member in client_ids
            for number in range(virtual_nodes)
        }
        places = sorted(ring)

        def owner(queue: MessageQueue) -> str:
            text = (
                f"MessageQueue [topic={queue.topic}, brokerName={queue.broker_name}, "
                f"queueId={queue.queue_id}]"
            )
            return ring[places[bisect_left(places, _place(text)) % len(places)]]

        return [queue for queue in queues if owner(queue) == client_id]

    return strategy


def _place(text: str) -> int:
    """Return the first four bytes of MD5, as the ring's hash of 32 bits."""
    digest = hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big")
