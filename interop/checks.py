"""What every way from a producer to a consumer must show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

Message = dict[str, Any]


def statuses(sent: list[Message]) -> set[object]:
    """What the brokers said, or why a message could not be sent."""
    return {message.get("status", message.get("failed")) for message in sent}


def same_messages(sent: list[Message], received: list[Message]) -> None:
    """Every message once, with the body, keys and tags that were sent."""
    wanted = Counter((m["keys"], m["tags"], m["body"]) for m in sent if "keys" in m)
    got = Counter((m["keys"], m["tags"], m["body"]) for m in received)
    missing, extra = wanted - got, got - wanted
    assert not missing, f"{missing.total()} not received, the first: {next(iter(missing))}"
    assert not extra, f"{extra.total()} too many, the first: {next(iter(extra))}"


def queues_dense(received: list[Message]) -> None:
    """Each queue's offsets without gap or repeat."""
    offsets = defaultdict(list)
    for message in received:
        offsets[message["queueId"]].append(message["queueOffset"])
    for queue, seen in offsets.items():
        first = min(seen)
        assert sorted(seen) == list(range(first, first + len(seen))), f"queue {queue}: {seen}"


def order_kept(sent: list[Message], received: list[Message]) -> None:
    """Within each queue the messages have the order in which one producer thread sent them."""
    number = {m["keys"]: i for i, m in enumerate(m for m in sent if "keys" in m)}
    by_queue: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for message in received:
        by_queue[message["queueId"]].append((message["queueOffset"], number[message["keys"]]))
    for queue, pairs in by_queue.items():
        order = [sequence for _, sequence in sorted(pairs)]
        assert order == sorted(order), f"queue {queue} out of order: {order}"


def results_agree(sent: list[Message], received: list[Message]) -> None:
    """The SendResult named the queue, offset and unique id under which the consumer saw it.

    Where a client's interface has no queue in it (C++), that isn't looked at.
    """
    seen = {m["msgId"]: m for m in received}
    for result in sent:
        if result.get("msgId") is None or "batch" in result:
            continue
        message = seen[result["msgId"]]
        assert result["status"] == "SEND_OK", result
        for place in ("queueId", "queueOffset"):
            assert message[place] == result.get(place, message[place]), (result, message)


def all_of_it(sent: list[Message], received: list[Message]) -> None:
    same_messages(sent, received)
    queues_dense(received)
    order_kept(sent, received)
    results_agree(sent, received)


def counted(what: str, sent: list[Message], received: list[Message]) -> None:
    """Print how many messages went in and came out, then see that all is as it must be."""
    messages = [m for m in sent if "keys" in m]
    times = Counter(m["keys"] for m in received)
    print(
        f"{what}: sent {len(messages)}, received {len(times)}, "
        f"duplicates {times.total() - len(times)}, behind their followers {late(received)}"
    )
    all_of_it(sent, received)


def late(received: list[Message]) -> int:
    """Count the deliveries that came after one of a greater offset of their queue."""
    reached: dict[int, int] = {}
    behind = 0
    for message in received:
        last = reached.get(message["queueId"], -1)
        behind += message["queueOffset"] < last
        reached[message["queueId"]] = max(last, message["queueOffset"])
    return behind


def in_turn(
    received: list[Message], returned: Callable[[Message, Message], object] = lambda *_: False
) -> int:
    """See that no owner of a queue skips a message; return how many came again.

    Within the time of one owner each follows the one before it, unless the queue has ``returned`` to it
    between the two.
    """
    by_queue: dict[int, list[Message]] = defaultdict(list)
    for message in sorted(received, key=lambda m: (m["consumed"], m["queueOffset"])):
        by_queue[message["queueId"]].append(message)
    again = 0
    for queue, messages in by_queue.items():
        assert messages[0]["queueOffset"] == 0
        reached = 0
        for before, after in pairwise(messages):
            reached = max(reached, before["queueOffset"])
            step = after["queueOffset"] - before["queueOffset"]
            assert after["queueOffset"] <= reached + 1, f"queue {queue} skips: {before}, {after}"
            moved = step == 1 or before["by"] != after["by"] or returned(before, after)
            assert moved, f"queue {queue}: {before}, {after}"
            again += after["queueOffset"] <= reached
    return again
