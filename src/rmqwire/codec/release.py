"""Where Apache RocketMQ releases differ: one table, chosen by ``rocketmqVersion``.

Nothing else in rmqwire asks which release it is; code reads a column of this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Release:
    """One column of the table of differences.

    Args:
        name: the value of ``rocketmqVersion``.
        mq_version: ordinal announced in every command (Java ``MQVersion.CURRENT_VERSION``).
        trailing_property_separator: the property string ends in 0x02 (5.x) or not (4.9).
        message_v2: topics over 127 bytes are stored as V2 records (5.x) or refused (4.9).
        topic_max_length: longest topic name in characters (Java ``TopicValidator``).
        retry_topic_max_length: the same for ``%RETRY%`` and ``%DLQ%`` topics.
        escape_line_separators: JSON text writes U+007F, U+2028 and U+2029 as ``\\uXXXX``
            (fastjson 1, 4.9) or as they are (fastjson2, 5.x).
        json_references: an object met twice in one body is written as ``$ref`` (fastjson 1).
        abort_holds_pid: the ``abort`` file holds the process id (5.x) or is empty (4.9).
        slave_sync_period_ms: period of the slave's metadata sync.
    """

    name: str
    mq_version: int
    trailing_property_separator: bool
    message_v2: bool
    topic_max_length: int
    retry_topic_max_length: int
    escape_line_separators: bool
    json_references: bool
    abort_holds_pid: bool
    slave_sync_period_ms: int


V4_9_7 = Release(
    name="4.9.7",
    mq_version=407,
    trailing_property_separator=False,
    message_v2=False,
    topic_max_length=127,
    retry_topic_max_length=127,
    escape_line_separators=True,
    json_references=True,
    abort_holds_pid=False,
    slave_sync_period_ms=10_000,
)
V5_5_0 = Release(
    name="5.5.0",
    mq_version=513,
    trailing_property_separator=True,
    message_v2=True,
    topic_max_length=127,
    retry_topic_max_length=255,
    escape_line_separators=False,
    json_references=False,
    abort_holds_pid=True,
    slave_sync_period_ms=60_000,
)
RELEASES = {release.name: release for release in (V4_9_7, V5_5_0)}
DEFAULT_RELEASE = V5_5_0


def release_named(name: str) -> Release:
    """Give the release called ``name``.

    Raises:
        ConfigError: no such column in the table.
    """
    try:
        return RELEASES[name]
    except KeyError:
        known = ", ".join(RELEASES)
        raise ConfigError(f"rocketmqVersion={name}: not one of {known}") from None
