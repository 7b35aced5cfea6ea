"""Consumer offsets of a broker with light queues (``LmqConsumerOffsetManager``).

With ``enableLmq`` all offsets are kept in ``config/lmqConsumerOffset.json``. A group whose name is a
light queue's (``%LMQ%...``) has one offset per topic, in a table of its own.

Java leaves the groups' progress behind in ``consumerOffset.json`` when ``enableLmq`` is switched on;
here that file is taken while there is no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.broker.tables.offsets import LMQ_OFFSETS, ConsumerOffsetManager, Queues
from rmqwire.codec import java_json
from rmqwire.codec.message_const import LMQ_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile

_QUEUE = 0  # a light queue's number


class LmqConsumerOffsetManager(ConsumerOffsetManager):
    """The offset table of one broker, light groups too.

    Args:
        config: the broker's settings.
        release: what the JSON holds.
        file: where the table is kept.
        wall_ms: epoch milliseconds.
        before: where it was kept without light queues.
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        file: ConfigFile,
        wall_ms: WallMs,
        before: ConfigFile,
    ) -> None:
        super().__init__(config, release, file, wall_ms)
        self._before = before

    def query(self, group: str, topic: str, queue_id: int) -> int:
        """Return the group's offset in a queue, -1 when it has none yet."""
        return super().query(group, topic, _queue(group, queue_id))

    def commit(self, client_host: str, group: str, topic: str, queue_id: int, offset: int) -> None:
        """Note that the group has consumed everything below ``offset``."""
        super().commit(client_host, group, topic, _queue(group, queue_id), offset)

    def load(self) -> bool:
        """Read the file; False when there is none yet, nor one of a broker without light queues.

        Raises:
            StoreError: there is a table, but neither it nor its backup can be read.
        """
        return super().load() or self._before.load(self._decode)

    def wrapper(self) -> dict[str, Any]:
        """Return the tables as GET_ALL_CONSUMER_OFFSET holds them, for ``java_json.dumps``."""
        content = super().wrapper()
        offsets = content.pop("offsetTable")
        light = {key: queues[_QUEUE] for key, queues in offsets.items() if _is_light(key, queues)}
        others = {key: queues for key, queues in offsets.items() if key not in light}
        return content | {LMQ_OFFSETS: light, "offsetTable": others}

    def _sections(self, texts: dict[str, str]) -> dict[str, java_json.Written]:
        light = {key: text for key, text in texts.items() if not text.endswith("}")}
        others = {key: text for key, text in texts.items() if key not in light}
        return {
            LMQ_OFFSETS: java_json.Written(light),
            "offsetTable": java_json.Written(others),
        }

    def _entry_text(self, key: str, queues: Queues) -> str:
        if _is_light(key, queues):  # a number instead of a map
            return java_json.write_entry(key, queues[_QUEUE], self._release, 2)
        return self._queues_text(key, queues)

    def _topics_by_group(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Return group -> its topics, sorted; light groups are left out, as in Java."""
        found = super()._topics_by_group(keys)
        return {group: topics for group, topics in found.items() if not _is_light_name(group)}


def _is_light_name(group: str) -> bool:
    return group.startswith(LMQ_PREFIX)


def _queue(group: str, queue_id: int) -> int:
    return _QUEUE if _is_light_name(group) else queue_id


def _is_light(key: str, queues: dict[int, int]) -> bool:
    """Return whether ``topic@group`` is a light group's."""
    return _is_light_name(key.rpartition("@")[2]) and _QUEUE in queues
