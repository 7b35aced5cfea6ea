"""Consume queues, unit by unit (mqadmin's ``queue``)."""

from __future__ import annotations

from rmqwire.admin.routed import Routed
from rmqwire.codec.bodies import CheckRocksdbCqWriteResult, QueryConsumeQueueResponseBody
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    CheckRocksdbCqWriteProgressRequestHeader,
    QueryConsumeQueueRequestHeader,
)


class QueueVerbs(Routed):
    """What is asked about consume queues."""

    async def query_cq(
        self,
        topic: str,
        queue_id: int,
        index: int,
        count: int = 10,
        *,
        addr: str | None = None,
        group: str | None = None,
    ) -> QueryConsumeQueueResponseBody:
        """Return units of a consume queue (``queryCq``).

        Args:
            topic: the queue's topic.
            queue_id: its id there.
            index: of the first unit.
            count: units at most.
            addr: the broker; None: the first that has the topic.
            group: what does its subscription say to each message?

        Raises:
            RouteNotFound: no broker has the topic.
            BrokerError: the broker has no such queue.
        """
        where = addr or (await self._addrs_of(topic))[0]
        header = QueryConsumeQueueRequestHeader(
            topic=topic, queue_id=queue_id, index=index, count=count, consumer_group=group
        )
        answer = await self._ask(where, RequestCode.QUERY_CONSUME_QUEUE, header)
        return QueryConsumeQueueResponseBody.decode(answer.body, self._release)

    async def check_rocksdb_cq_write_progress(
        self, addr: str, topic: str, check_store_time: int
    ) -> CheckRocksdbCqWriteResult:
        """Let a broker of 5.x compare its consume queues in RocksDB (``checkRocksdbCqWriteProgress``).

        Args:
            addr: the broker.
            topic: of this topic; empty: of all.
            check_store_time: from messages of this time on, ms since the epoch.

        Raises:
            BrokerError: it keeps none there; rmqwire's brokers never do.
        """
        header = CheckRocksdbCqWriteProgressRequestHeader(
            topic=topic, check_store_time=check_store_time
        )
        answer = await self._ask(addr, RequestCode.CHECK_ROCKSDB_CQ_WRITE_PROGRESS, header)
        return CheckRocksdbCqWriteResult.decode(answer.body, self._release)
