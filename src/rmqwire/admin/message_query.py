"""Finding messages: by id, key, unique key and offset, and which groups have had them.

mqadmin's ``queryMsgBy…``: ``MQAdminImpl`` and ``DefaultMQAdminExtImpl.messageTrackDetail``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rmqwire.admin.connection import ConnectionVerbs
from rmqwire.admin.message_pull import MessagePullVerbs
from rmqwire.broker_errors import ConsumerNotOnline
from rmqwire.client.message_queries import LONG_MAX, MessageQueries
from rmqwire.codec.host import host_text
from rmqwire.errors import RmqError, RouteNotFound

if TYPE_CHECKING:
    from rmqwire.admin.message_text import PulledMessage
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue

MAX_NUM = 64  # messages by key at most
KeyType = Literal["K", "T"]
TrackType = Literal[
    "CONSUMED", "CONSUMED_BUT_FILTERED", "PULL", "NOT_CONSUME_YET", "NOT_ONLINE",
    "CONSUME_BROADCASTING", "UNKNOWN",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageTrack:
    """What a group has done with a message (``MessageTrack``).

    Args:
        consumer_group: which.
        track_type: what.
        exception_desc: why it isn't known; None when it is.
    """

    consumer_group: str
    track_type: TrackType
    exception_desc: str | None = None

    def __str__(self) -> str:
        return (
            f"MessageTrack [consumerGroup={self.consumer_group}, trackType={self.track_type}, "
            f"exceptionDesc={self.exception_desc or 'null'}]"
        )


class MessageQueryVerbs(ConnectionVerbs, MessagePullVerbs):
    """What finds messages; bodies are as the producers gave them."""

    async def query_msg_by_id(
        self, topic: str, msg_id: str, *, cluster: str | None = None
    ) -> MessageExt | None:
        """Return the message of a broker's id, or the oldest of a producer's (``queryMsgById``).

        Both look alike. An id is taken for a broker's when it names one that the name server knows;
        nobody else is asked, least of all a producer's address.

        Args:
            topic: where it is.
            msg_id: 32 or 56 hex digits.
            cluster: only of this one.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        known = MessageQueries(self._api, await self.broker_datas())
        message = await known.by_broker_id(topic, msg_id)
        if message is None:
            found = await self.query_msg_by_unique_key(topic, msg_id, cluster=cluster)
            message = next(iter(found), None)
        return message

    async def query_msg_by_key(
        self,
        topic: str,
        key: str,
        *,
        begin_ms: int = 0,
        end_ms: int = LONG_MAX,
        max_num: int = MAX_NUM,
        key_type: KeyType = "K",
        last_key: str | None = None,
        cluster: str | None = None,
    ) -> list[MessageExt]:
        """Return the messages of a topic that have a key, or a tag (``queryMsgByKey``).

        Args:
            topic: where they are.
            key: one of their keys; a tag for the key type T.
            begin_ms: stored at this time or later, ms since the epoch.
            end_ms: stored at this time or before.
            max_num: so many of each broker at most.
            key_type: K for a key, T for a tag (brokers of 5.5).
            last_key: go on behind this key of the index (brokers of 5.5 with an index in RocksDB).
            cluster: only of this one.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        queries = await self._queries(topic, cluster)
        found = await queries.by_key(
            topic, key, max_num, begin_ms, end_ms, tag=key_type == "T", last_key=last_key
        )
        return found.message_list

    async def query_msg_by_unique_key(
        self,
        topic: str,
        msg_id: str,
        *,
        begin_ms: int = 0,
        end_ms: int = LONG_MAX,
        cluster: str | None = None,
    ) -> list[MessageExt]:
        """Return the messages that a producer called so, oldest first (``queryMsgByUniqueKey``).

        Several: a retry, and what was sent again, keep their id.

        Args:
            topic: where they are.
            msg_id: the id that a producer gave.
            begin_ms: stored at this time or later, ms since the epoch.
            end_ms: stored at this time or before.
            cluster: only of this one.

        Raises:
            RouteNotFound: nobody has the topic.
        """
        queries = await self._queries(topic, cluster)
        return await queries.by_unique_key(topic, msg_id, begin_ms, end_ms)

    async def _queries(self, topic: str, cluster: str | None) -> MessageQueries:
        """Return what asks the brokers that have a topic, of a cluster or of all."""
        route = await self.topic_route(topic)
        if route is None:
            raise RouteNotFound(f"The topic[{topic}] not matched route info")
        brokers = [one for one in route.broker_datas if cluster in {None, one.cluster}]
        return MessageQueries(self._api, brokers)

    async def query_msg_by_offset(
        self, queue: MessageQueue, offset: int, *, route_of: str | None = None
    ) -> PulledMessage | None:
        """Return the message at an offset of a queue, None when there is none (``queryMsgByOffset``).

        Args:
            queue: which.
            offset: its index there.
            route_of: look where this topic is instead, for what has no route of its own (LMQ).

        Raises:
            RouteNotFound: no such broker has the topic.
        """
        addr = await self.master_of(queue.broker_name, route_of or queue.topic)
        batch = await self.pull_batch(addr, queue, offset, 1)
        return batch.messages[0] if batch.messages else None

    # --- which groups have had a message

    async def message_track(self, message: MessageExt) -> list[MessageTrack]:
        """Return what each group of a message's topic has done with it (``messageTrackDetail``).

        Raises:
            RouteNotFound: nobody has the topic.
        """
        groups = await self.groups_of(message.topic)
        return [await self._track(message, group) for group in groups]

    async def _track(self, message: MessageExt, group: str) -> MessageTrack:
        try:
            connection = await self.consumer_connection(group)
            if connection.consume_type == "CONSUME_ACTIVELY":
                return MessageTrack(group, "PULL")
            if connection.message_model == "BROADCASTING":
                return MessageTrack(group, "CONSUME_BROADCASTING")
            if not await self._is_consumed(message, group):
                return MessageTrack(group, "NOT_CONSUME_YET")
        except ConsumerNotOnline as error:
            return MessageTrack(group, "NOT_ONLINE", f"CODE:{error.code} DESC:{error.remark}")
        except RmqError as error:
            return MessageTrack(group, "UNKNOWN", str(error))
        wanted = connection.subscription_table.get(message.topic)
        tags = set(wanted.tags_set or ()) if wanted is not None else set()
        filtered = tags and "*" not in tags and message.tags not in tags
        return MessageTrack(group, "CONSUMED_BUT_FILTERED" if filtered else "CONSUMED")

    async def _is_consumed(self, message: MessageExt, group: str) -> bool:
        """Return whether a group has committed an offset behind a message's."""
        store = host_text(message.store_host)
        for addr, queue in await self.read_queues(message.topic):
            if addr == store and queue.queue_id == message.queue_id:
                committed = await self._api.query_consumer_offset(addr, group, queue)
                return committed > message.queue_offset
        return False
