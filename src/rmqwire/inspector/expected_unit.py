"""What tags code the unit of a record must have, written out once more beside the store's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.message_const import (
    PROPERTY_DELAY_TIME_LEVEL,
    PROPERTY_TAGS,
    RMQ_SYS_SCHEDULE_TOPIC,
)
from rmqwire.codec.properties import find_property

if TYPE_CHECKING:
    from rmqwire.codec.record import RecordPosition

_TAGS = PROPERTY_TAGS.encode()
_DELAY = PROPERTY_DELAY_TIME_LEVEL.encode()


def expected_tags_code(found: RecordPosition, delay_levels: dict[int, int]) -> int:
    """Return the hash of the tags, or the delivery time (ms) of a message delayed by level.

    Args:
        found: the record.
        delay_levels: level -> delay in ms; one that isn't there counts a second, as in Java.
    """
    if found.topic == RMQ_SYS_SCHEDULE_TOPIC:
        level = find_property(found.properties, _DELAY)
        highest = max(delay_levels, default=0)
        if highest and level and level.isdigit() and int(level) > 0:
            return found.store_timestamp + delay_levels.get(min(int(level), highest), 1_000)
    tags = find_property(found.properties, _TAGS)
    return tags_code(tags.decode("utf-8", "replace")) if tags else 0
