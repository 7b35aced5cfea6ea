"""The conditions (SQL92) of consumer groups (``ConsumerFilterManager``, ``consumerFilter.json``).

Heartbeats tell them, and a group's pulls name only a version. They outlive the group's members, so
that the bits of messages stored meanwhile are those of the group's condition still; a day after the
last member has gone they go too. The file is Java's, in both directions.
"""

from __future__ import annotations

import logging
from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec import bodies
from rmqwire.codec.java_map import hash_map_order
from rmqwire.disk.table_file import TableWriter
from rmqwire.errors import BadExpression, EvaluationError
from rmqwire.filter.bloom import BloomFilter, mask
from rmqwire.filter.message_filter import ExpressionFilter
from rmqwire.filter.subscription import SQL92, is_tag_type
from rmqwire.remoting.limited_log import LimitedLog, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile, MakeText
    from rmqwire.filter.sql92 import Expression

logger = logging.getLogger(__name__)
limited = LimitedLog(logger)

_HEARTBEAT_LENGTH = 64 * 1024  # characters compiled at once; the next heartbeat goes on
_LOADED_DEAD_MS = 30_000  # nobody was there that long, when a table is loaded
_TOPICS_CAPACITY = 512  # of Java's maps, whose order the file has
_GROUPS_CAPACITY = 16


class ConsumerFilter:
    """The condition of one group for one topic, ready to be asked (``ConsumerFilterData``).

    Args:
        data: what the file has of it.
        expression: the condition; None when it didn't compile: it takes everything, as in Java.
        bits: length of the bit maps that its bits are for.
    """

    __slots__ = ("data", "expression", "filter", "mask")

    def __init__(
        self, data: bodies.ConsumerFilterData, expression: Expression | None, bits: int
    ) -> None:
        self.data = data
        self.expression = expression
        bloom = data.bloom_filter_data
        self.mask = None if bloom is None else mask(bloom.bit_pos)
        self.filter = ExpressionFilter(self.wants, self.mask, bits // 8, data.born_time)

    def wants(self, properties: Mapping[str, str]) -> bool:
        """Return whether the condition is true of a message; it isn't where it can't be judged."""
        if self.expression is None:
            return True
        try:
            return self.expression.evaluate(properties) is True
        except EvaluationError as error:
            limited.warning(
                "filter error",
                "the filter of %s for %s doesn't fit a message: %s: %s",
                self.data.consumer_group,
                self.data.topic,
                self.data.expression,
                error,
            )
            return False


class ConsumerFilterManager:
    """The table and its file.

    Args:
        config: the broker's settings.
        release: whose expressions and JSON they are.
        file: ``config/consumerFilter.json``.
        wall_ms: epoch milliseconds.

    Attributes:
        bloom: gives groups their bits.
        writer: writes the file.
    """

    def __init__(
        self, config: BrokerConfig, release: Release, file: ConfigFile, wall_ms: WallMs
    ) -> None:
        self.bloom = BloomFilter(
            config.max_error_rate_of_bloom_filter, config.expect_consumer_num_use_filter
        )
        self.writer = TableWriter(file, self.snapshot)
        self._config = config
        self._release = release
        self._file = file
        self._wall_ms = wall_ms
        self._topics: dict[str, dict[str, ConsumerFilter]] = {}

    # --- asking

    def find(self, topic: str, group: str) -> ConsumerFilter | None:
        """Return a group's condition for a topic."""
        return self._topics.get(topic, {}).get(group)

    def compile(self, expression: str, expression_type: str) -> Expression:
        """Return a compiled condition.

        Raises:
            BadExpression: of an unknown type, or wrong.
        """
        if expression_type != SQL92:
            raise BadExpression(f"there is no filter of type {printable(expression_type)}")
        from rmqwire.filter.sql92 import compile_sql92  # noqa: PLC0415  few groups have conditions

        text_operators = self._release.broker.sql_text_operators
        return compile_sql92(expression, text_operators=text_operators)

    def build(self, group: str, subscription: SubscriptionData) -> ConsumerFilter:
        """Return a group's condition without bits, which isn't in the table.

        Raises:
            BadExpression: it does not compile.
        """
        expression = self.compile(subscription.sub_string, subscription.expression_type)
        if expression.ignored:
            limited.warning(
                "filter end",
                "the filter of %s for %s is read up to %s only: %s",
                group,
                subscription.topic,
                expression.ignored,
                subscription.sub_string,
            )
        data = bodies.ConsumerFilterData(
            consumer_group=group,
            topic=subscription.topic,
            expression=subscription.sub_string,
            expression_type=subscription.expression_type,
            born_time=self._wall_ms(),
            client_version=subscription.sub_version,
        )
        return ConsumerFilter(data, expression, self.bloom.bits)

    def bits_of(self, topic: str) -> Callable[[Mapping[str, str]], bytes] | None:
        """Return what makes the bit maps of a topic's messages; None when they have none.

        Stands for ``CommitLogDispatcherCalcBitMap``.
        """
        groups = self._topics.get(topic)
        if not groups or not self._config.enable_calc_filter_bit_map:
            return None
        return partial(self._bits, list(groups.values()))

    def _bits(self, groups: list[ConsumerFilter], properties: Mapping[str, str]) -> bytes:
        bits = 0
        for group in groups:
            if group.expression is not None and group.mask and group.wants(properties):
                bits |= group.mask
        return bits.to_bytes(self.bloom.bits // 8, "little")

    # --- changing

    def register(self, group: str, subscriptions: Collection[SubscriptionData]) -> None:
        """Take what a heartbeat says that a group wants; its other conditions are dead."""
        changed = False
        left = _HEARTBEAT_LENGTH
        for subscription in subscriptions:
            if is_tag_type(subscription.expression_type) or not subscription.sub_string:
                continue
            known = self.find(subscription.topic, group)
            if known is None or self._is_news(known, subscription):
                left -= len(subscription.sub_string)
                if left < 0:
                    limited.warning("many filters", "%s asks for too much at once", group)
                    break
                changed |= self._build_known(group, subscription)
            elif subscription.sub_version >= known.data.client_version:
                changed |= known.data.dead or subscription.sub_version > known.data.client_version
                known.data.client_version = subscription.sub_version
                known.data.dead_time = 0
        topics = {subscription.topic for subscription in subscriptions}
        self._let_die(group, topics, changed=changed)

    def _is_news(self, known: ConsumerFilter, subscription: SubscriptionData) -> bool:
        """Return whether a newer version says something else."""
        data = known.data
        return subscription.sub_version > data.client_version and (
            known.expression is None
            or data.expression != subscription.sub_string
            or data.expression_type != subscription.expression_type
        )

    def _build_known(self, group: str, subscription: SubscriptionData) -> bool:
        """Put a condition into the table, or take the old one out when it doesn't compile."""
        topic = subscription.topic
        groups = self._topics.setdefault(topic, {})
        try:
            new = self.build(group, subscription)
        except BadExpression as error:
            limited.warning(
                "bad filter",
                "the filter of %s for %s is refused: %s: %s",
                group,
                topic,
                subscription.sub_string,
                error,
            )
            return groups.pop(group, None) is not None
        positions = self.bloom.positions(f"{group}#{topic}")
        new.data.bloom_filter_data = bodies.BloomFilterData(self.bloom.bits, tuple(positions))
        groups[group] = ConsumerFilter(new.data, new.expression, self.bloom.bits)
        logger.info("filter of %s for %s: %s", group, topic, printable(subscription.sub_string))
        return True

    def unregister(self, group: str) -> None:
        """Let all conditions of a group be dead: its last member has gone."""
        self._let_die(group, set(), changed=False)

    def _let_die(self, group: str, topics: set[str], *, changed: bool) -> None:
        for topic, groups in self._topics.items():
            known = groups.get(group)
            if known is not None and topic not in topics and not known.data.dead:
                known.data.dead_time = self._wall_ms()
                logger.info("the filter of %s for %s is dead", group, topic)
                changed = True
        if changed:
            self._write()

    def clean(self) -> None:
        """Remove the conditions that have been dead for ``filterDataCleanTimeSpan``."""
        latest = self._wall_ms() - self._config.filter_data_clean_time_span
        found = [
            (topic, group)
            for topic, groups in self._topics.items()
            for group, known in groups.items()
            if known.data.dead and known.data.dead_time <= latest
        ]
        for topic, group in found:
            del self._topics[topic][group]
            logger.info("the filter of %s for %s is removed", group, topic)
        for topic in [topic for topic, groups in self._topics.items() if not groups]:
            del self._topics[topic]
        if found:
            self._write()

    # --- the file

    def _write(self) -> None:
        try:
            self.writer.write()
        except OSError as error:
            logger.error("consumerFilter.json not written: %s", error)  # noqa: TRY400  one line says it

    def load(self) -> None:
        """Read the file, if there is one. Everybody in it is dead until a heartbeat comes.

        Raises:
            StoreError: it is there and can't be read.
        """
        self._file.load(self._decode)

    def _decode(self, data: bytes) -> None:
        table = bodies.ConsumerFilterSerializeWrapper.decode(data)
        rows = [
            row for of_topic in table.filter_data_by_topic.values()
            for row in of_topic.group_filter_data.values()
        ]  # fmt: skip
        if not all(self._has_our_size(row.bloom_filter_data) for row in rows):
            logger.warning("consumerFilter.json is for bit maps of another size and is not used")
            return
        latest = self._wall_ms() - _LOADED_DEAD_MS
        for row in rows:
            if not row.dead_time:
                row.dead_time = max(row.born_time, latest)
            try:
                expression = self.compile(row.expression, row.expression_type)
            except BadExpression as error:
                logger.warning("filter of %s for %s: %s", row.consumer_group, row.topic, error)
                expression = None
            known = ConsumerFilter(row, expression, self.bloom.bits)
            self._topics.setdefault(row.topic, {})[row.consumer_group] = known

    def _has_our_size(self, bloom: bodies.BloomFilterData | None) -> bool:
        """Return whether bits are those of our bloom filter (``BloomFilter.isValid``)."""
        return (
            bloom is not None
            and bloom.bit_num == self.bloom.bits
            and len(bloom.bit_pos) == self.bloom.hashes
        )

    def snapshot(self) -> MakeText:
        """Return what makes the file's text of the conditions as they are now."""
        table = bodies.ConsumerFilterSerializeWrapper()
        for topic in hash_map_order(self._topics, _TOPICS_CAPACITY):
            groups = self._topics[topic]
            if groups:
                rows = {
                    name: copy(groups[name].data)
                    for name in hash_map_order(groups, _GROUPS_CAPACITY)
                }
                table.filter_data_by_topic[topic] = bodies.FilterDataMapByTopic(rows, topic)
        return partial(table.encode, self._release, pretty=True)
