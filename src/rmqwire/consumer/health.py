"""Why a consumer gets nothing: its last heartbeats, its last pulls, the last refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.client.signs import Sign
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.reading.held_queues import HeldQueues
    from rmqwire.consumer.reading.popped_queues import PoppedQueues
    from rmqwire.consumer.state import AnyState

    Answers = dict[MessageQueue, Sign | None]
    Starts = dict[MessageQueue, Sign]


@dataclass(slots=True)
class ConsumerHealth:
    """How a consumer is, at one moment.

    Args:
        heartbeats: the last heartbeat to each broker, by ``host:port``.
        pulls: the last answer to a pull, or a pop, of each queue that this member reads; None before
            the first. One of a queue without new messages is answered after 15 s.
        last_refusal: the newest of all that went wrong the last time it was tried, None if nothing
            did.
        problems: topic -> why none of its messages come to this member now, in a sentence. A topic
            whose messages can come isn't in it, nor one that hasn't been tried yet.
    """

    heartbeats: dict[str, Sign]
    pulls: dict[MessageQueue, Sign | None]
    last_refusal: Sign | None
    problems: dict[str, str]


def consumer_health(
    state: AnyState, queues: HeldQueues | None, popped: PoppedQueues | None = None
) -> ConsumerHealth:
    """Return how the consumer is now.

    Args:
        state: the consumer.
        queues: those that it pulls from; None of a consumer that pulls from none.
        popped: those that it pops from.
    """
    instance = state.instance
    addresses = {addr for _, _, addr in instance.routes.masters_and_slaves()}
    topics = [t for t in state.subscriptions if not t.startswith(RETRY_GROUP_TOPIC_PREFIX)]
    answers = {queue: held.last_answer for queue, held in queues.items()} if queues else {}
    starts = dict(queues.starts.items()) if queues is not None else {}
    if popped is not None:
        answers |= {queue: held.last_answer for queue, held in popped.items()}
    found = {topic: _problem(topic, state, starts, answers) for topic in topics}
    return ConsumerHealth(
        {addr: sign for addr, sign in instance.heartbeats.items() if addr in addresses},
        answers,
        max(_refusals(state, starts, answers), key=lambda sign: sign.at_ms, default=None),
        {topic: text for topic, text in found.items() if text is not None},
    )


def _refusals(state: AnyState, starts: Starts, answers: Answers) -> Iterator[Sign]:
    instance = state.instance
    signs = [sign for _, sign in instance.heartbeats.items()]
    signs += [sign for topic, sign in instance.look_ups.items() if topic in state.subscriptions]
    signs += [sign for group, sign in instance.memberships.items() if group == state.group]
    signs += starts.values()
    signs += [answer for answer in answers.values() if answer is not None]
    return (sign for sign in signs if sign.error is not None)


def _problem(topic: str, state: AnyState, starts: Starts, answers: Answers) -> str | None:
    """Return why no message of a topic comes, in the order in which a member finds out."""
    instance = state.instance
    readable = instance.routes.queues_to_read(topic)
    if readable is None:
        error = instance.look_ups.error(topic)
        return None if error is None else f"topic {topic} has no route: {error}"
    if not readable:
        return f"topic {topic} has no queue that may be read: {_permissions(topic, state)}"
    error = instance.memberships.error(state.group)
    if error is not None:
        return f"no broker tells the members of group {state.group}: {error}"
    of_topic = [answer for queue, answer in answers.items() if queue.topic == topic]
    if not of_topic:
        return _why_none_is_held(topic, state, starts, len(readable))
    errors = [one.error for one in of_topic if one is not None and one.error is not None]
    return (
        f"every pull of topic {topic} fails: {errors[-1]}" if len(errors) == len(of_topic) else None
    )


def _permissions(topic: str, state: AnyState) -> str:
    route = state.instance.routes.routes[topic]
    return "; ".join(
        f"broker {data.broker_name} has perm {data.perm} and {data.read_queue_nums} read queues"
        for data in route.queue_datas
    )


def _why_none_is_held(topic: str, state: AnyState, starts: Starts, readable: int) -> str | None:
    for queue, sign in starts.items():
        if queue.topic == topic and sign.error is not None:
            return f"nobody tells where to start in {queue}: {sign.error}"
    if state.instance.memberships.get(state.group) is None:
        return None
    return f"other members of group {state.group} have all {readable} queues of topic {topic}"
