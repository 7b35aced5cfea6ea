"""What a consumer's dedupe says of messages that are to be handed out, and is told of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from rmqwire.client.message_ext import MessageExt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.consumer.dedupe import Dedupe

M = TypeVar("M", bound=MessageExt)
logger = logging.getLogger(__name__)


class Window:
    """The messages that a group has consumed lately, by UNIQ_KEY.

    Args:
        group: which.
        dedupe: remembers them; None: nothing is remembered.
    """

    def __init__(self, group: str, dedupe: Dedupe | None) -> None:
        self._group = group
        self._dedupe = dedupe

    @property
    def remembers_nothing(self) -> bool:
        """Whether all messages are handed out."""
        return self._dedupe is None

    def split(self, messages: list[M]) -> tuple[list[M], list[M]]:
        """Return the messages that were consumed before, and the others."""
        if self._dedupe is None:
            return [], messages
        before: list[M] = []
        others: list[M] = []
        for message in messages:
            key = message.unique_key
            known = key is not None and self._dedupe.seen(self._group, key)
            (before if known else others).append(message)
        if before:
            logger.info("group %s has consumed %s before", self._group, before)
        return before, others

    def remember(self, messages: Iterable[MessageExt]) -> None:
        """Take note that messages are consumed."""
        if self._dedupe is not None:
            keys = [one.unique_key for one in messages if one.unique_key is not None]
            self._dedupe.add(self._group, keys)
