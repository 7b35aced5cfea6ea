"""What is wrong with a consumer group, by what its members tell (``ConsumerRunningInfo``'s analyses)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.codec.bodies import ConsumerRunningInfo, MessageQueue, ProcessQueueInfo

ORDERLY: Final = "PROP_CONSUMEORDERLY"
CONSUME_TYPE: Final = "PROP_CONSUME_TYPE"
STARTED: Final = "PROP_CONSUMER_START_TIMESTAMP"
SETTLED_MS: Final = 120_000  # analyzeSubscription: a younger group isn't judged
BLOCKED_MS: Final = 60_000  # analyzeProcessQueue


def subscriptions_agree(group: Mapping[str, ConsumerRunningInfo], wall_ms: int) -> bool:
    """Return whether all members subscribe to the same (``analyzeSubscription``).

    Args:
        group: client id -> what it told; not empty.
        wall_ms: now, ms since the epoch: members that differ are no fault in the first two minutes.
    """
    members = [info for _, info in sorted(group.items())]
    first = members[0]
    if not _is_push(first) or wall_ms - int(first.properties.get(STARTED) or 0) <= SETTLED_MS:
        return True
    wanted = [
        {(one.topic, one.sub_string, one.expression_type) for one in member.subscription_set}
        for member in members
    ]
    return all(one == wanted[0] for one in wanted)


def stuck_queues(client_id: str, info: ConsumerRunningInfo, wall_ms: int) -> list[str]:
    """Return a line for each queue that isn't consumed (``analyzeProcessQueue``).

    Args:
        client_id: whose.
        info: what it told.
        wall_ms: now, ms since the epoch.
    """
    if not _is_push(info):
        return []
    orderly = info.properties.get(ORDERLY, "").lower() == "true"
    judge = _orderly_fault if orderly else _concurrent_fault
    found = ((queue, judge(one, wall_ms)) for queue, one in sorted(info.mq_table.items()))
    return [f"{client_id} {_queue_text(queue)} {fault}" for queue, fault in found if fault]


def _queue_text(queue: MessageQueue) -> str:
    where = f"topic={queue.topic}, brokerName={queue.broker_name}, queueId={queue.queue_id}"
    return f"MessageQueue [{where}]"


def _orderly_fault(queue: ProcessQueueInfo, wall_ms: int) -> str:
    if not queue.locked:
        return f"can't lock for a while, {wall_ms - queue.last_lock_timestamp}ms"
    if queue.droped and queue.try_unlock_times > 0:
        return f"unlock {queue.try_unlock_times} times, still failed"
    return ""


def _concurrent_fault(queue: ProcessQueueInfo, wall_ms: int) -> str:
    idle = wall_ms - queue.last_consume_timestamp
    if idle > BLOCKED_MS and queue.cached_msg_count > 0:
        return f"can't consume for a while, maybe blocked, {idle}ms"
    return ""


def _is_push(info: ConsumerRunningInfo) -> bool:
    return info.properties.get(CONSUME_TYPE) == "CONSUME_PASSIVELY"
