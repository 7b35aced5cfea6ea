"""Messages by key (Java ``DefaultMessageStore.queryMessage``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.store.results import QueryMessageResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.index.index_service import IndexService
    from rmqwire.store.log.commit_log import CommitLog

_SLICES = 64  # slices of the index built before a query: it lags less unless it is rebuilt


class MessageQuery:
    """Look messages up in the index.

    Args:
        index: it.
        log: where the messages are.
        build: indexes some more records, says whether there are yet more.
    """

    def __init__(self, index: IndexService, log: CommitLog, build: Callable[[], bool]) -> None:
        self._index = index
        self._log = log
        self._build = build

    def query_message(
        self,
        topic: str,
        key: str,
        max_num: int,
        begin_ms: int,
        end_ms: int,
        index_type: str | None = None,
    ) -> QueryMessageResult:
        """Return the messages of a topic with a key (``queryMessage``).

        Keys with the same hash come along, as in Java: who asked compares.

        Args:
            topic: the topic.
            key: a word of KEYS, a UNIQ_KEY, or a tag for ``index_type`` T.
            max_num: messages wanted at most.
            begin_ms: earliest store time.
            end_ms: latest store time.
            index_type: None or ``K`` or ``U``: a key; ``T``: a tag (5.5.0).

        Raises:
            OSError: the disk failed.
        """
        for _ in range(_SLICES):
            if not self._build():
                break
        found = self._index.query(topic, key, max_num, begin_ms, end_ms, index_type)
        if not found.offsets:
            return QueryMessageResult()
        records = map(self._log.record_at, sorted(set(found.offsets)))
        return QueryMessageResult(
            found.last_update_timestamp,
            found.last_update_phyoffset,
            b"".join(record for record in records if record is not None),
        )
