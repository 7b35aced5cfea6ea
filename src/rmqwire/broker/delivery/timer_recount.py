"""Count again how many timers wait for each topic (``TimerMessageStore.checkAndReviseMetrics``).

``config/timermetrics`` is older than the timer log after a kill, so its counts are wrong until then.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.timer import MAGIC_DELETE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.broker.delivery.timer_delivery import TimerDelivery
    from rmqwire.broker.tables.timer_metrics import TimerMetrics
    from rmqwire.codec.timer import TimerLogUnit
    from rmqwire.store.timer.timer_store import TimerFiles

AT_ONCE = 2_000  # units of one step: a millisecond or two
logger = logging.getLogger(__name__)


def recount(
    files: TimerFiles,
    metrics: TimerMetrics,
    delivery: TimerDelivery,
    read_ms: int,
    small_below: int,
) -> Iterator[None]:
    """Make the counts those of the units that wait in the timer log; between two steps others may run.

    What comes and goes meanwhile is counted by those who let it.

    Args:
        files: the wheel and the timer log.
        metrics: the counts.
        delivery: reads messages of topics whose hashes are the same.
        read_ms: the first tick of which nothing is delivered.
        small_below: topics for which as many wait, or more, stay as they are.

    Raises:
        OSError: the disk failed; no count has changed.
    """
    before = {topic: metric.count for topic, metric in metrics.counts.items()}
    topics = _topics_by_hash(before, small_below)
    found: dict[str, int] = dict.fromkeys((t for same in topics.values() for t in same), 0)
    begin, end = files.first_waiting(read_ms), files.log.written
    for number, (position, unit) in enumerate(files.log.scan(begin), 1):
        if position >= end:
            break
        if unit.deliver_time_ms >= read_ms and (same := topics.get(unit.hash_code)):
            topic = same[0] if len(same) == 1 else _real_topic(delivery, unit)
            if topic in found:
                found[topic] += -1 if unit.magic & MAGIC_DELETE else 1
        if number % AT_ONCE == 0:
            yield
    for topic, count in found.items():
        if count != before[topic] and topic in metrics.counts:
            logger.info("timers of topic %s: %s wait, not %s", topic, count, before[topic])
            metrics.add(topic, count - before[topic])


def _topics_by_hash(counts: dict[str, int], small_below: int) -> dict[int, list[str]]:
    """Return the topics to count, by hash, without those whose units can't be told from a large one's."""
    topics: dict[int, list[str]] = defaultdict(list)
    for topic, count in counts.items():
        if count < small_below:
            topics[string_hash(topic)].append(topic)
    for topic, count in counts.items():
        if count >= small_below:
            topics.pop(string_hash(topic), None)
    return topics


def _real_topic(delivery: TimerDelivery, unit: TimerLogUnit) -> str | None:
    message = delivery.read(unit.offset_py, unit.size_py)
    return None if message is None else message.properties.get(const.PROPERTY_REAL_TOPIC)
