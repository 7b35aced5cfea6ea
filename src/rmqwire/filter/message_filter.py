"""The test of messages against one subscription (``ExpressionMessageFilter``).

A cheap test looks at what stands in a queue's unit: the hash of the tags, or the bits that the
bloom filter set when the message was stored. What passes it and can't be told from there gets the
full test of its properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.filter.subscription import SUB_ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.codec.consume_queue import ConsumeQueueExtUnit


class Filter:
    """Which messages are wanted.

    Args:
        wants_code: the cheap test, of a tags code; None takes every unit.
        wants: the full test, of a message's properties; None when the cheap one is enough.
    """

    __slots__ = ("wants", "wants_code")

    def __init__(
        self,
        wants_code: Callable[[int], bool] | None = None,
        wants: Callable[[Mapping[str, str]], bool] | None = None,
    ) -> None:
        self.wants_code = wants_code
        self.wants = wants

    def wants_unit(self, unit: ConsumeQueueExtUnit) -> bool:
        """Return the cheap test's answer to an extended unit."""
        return self.wants_code is None or self.wants_code(unit.tags_code)


class ExpressionFilter(Filter):
    """The messages that an expression is true of.

    Args:
        wants: the expression's test of the properties.
        mask: the bits of group and topic in a bit map; None when there are none.
        bit_map_length: of the bit maps in which they are theirs, bytes.
        born_ms: messages stored until then have no bits for the group; wall clock.
    """

    __slots__ = ("_bit_map_length", "_born_ms", "_mask")

    def __init__(
        self,
        wants: Callable[[Mapping[str, str]], bool],
        mask: int | None = None,
        bit_map_length: int = 0,
        born_ms: int = 0,
    ) -> None:
        super().__init__(wants=wants)
        self._mask = mask
        self._bit_map_length = bit_map_length
        self._born_ms = born_ms

    def wants_unit(self, unit: ConsumeQueueExtUnit) -> bool:
        """Return False when the bits say that the expression isn't true of the message."""
        mask, bits = self._mask, unit.bit_map
        if (
            mask is None
            or unit.msg_store_time <= self._born_ms
            or len(bits) != self._bit_map_length
        ):
            return True
        return int.from_bytes(bits, "little") & mask == mask


class TagFilter(Filter):
    """The messages that have one of some tags.

    Args:
        codes: the tags' hashes.
    """

    __slots__ = ("codes",)

    def __init__(self, codes: Iterable[int]) -> None:
        self.codes = tuple(codes)
        super().__init__(frozenset(self.codes).__contains__)


def tag_filter(subscription: SubscriptionData) -> TagFilter | None:
    """Return the filter of a subscription to tags, None when every message is wanted."""
    if subscription.class_filter_mode or subscription.sub_string == SUB_ALL:
        return None
    return TagFilter(subscription.code_set)
