"""Finding messages: by id, key, unique key and offset, and which groups have had them.

mqadmin's ``queryMsgBy…``: ``MQAdminImpl`` and ``DefaultMQAdminExtImpl.messageTrackDetail``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rmqwire.admin.connection import ConnectionVerbs
from rmqwire.admin.message_pull import MessagePullVerbs
from rmqwire.admin.message_text import words_of
from rmqwire.broker_errors import ConsumerNotOnline
from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import (
    QueryMessageRequestHeader,
    ViewMessageRequestHeader,
)
from rmqwire.codec.host import host_text
from rmqwire.codec.message_const import (
    INDEX_KEY_TYPE,
    INDEX_TAG_TYPE,
    INDEX_UNIQUE_TYPE,
)
from rmqwire.codec.message_id import decode_offset_id, is_message_id
from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.errors import BrokerError, RmqError, RouteNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.admin.message_text import PulledMessage
    from rmqwire.codec.bodies import MessageQueue

LONG_MAX = 2**63 - 1
MAX_NUM = 64  # messages by key at most
MAX_UNIQUE = 32  # the same of a unique key
_FOUND = frozenset((int(ResponseCode.SUCCESS), int(ResponseCode.QUERY_NOT_FOUND)))
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
        if is_message_id(msg_id):
            ip, port, offset = decode_offset_id(msg_id)
            if (addr := host_text((ip, port))) in await self.brokers():
                header = ViewMessageRequestHeader(topic=topic, offset=offset)
                try:
                    answer = await self._ask(addr, RequestCode.VIEW_MESSAGE_BY_ID, header)
                except BrokerError:
                    pass  # it may be a producer's id all the same
                else:
                    return MessageExt(decode_message(bytes(answer.body)), "")
        found = await self.query_msg_by_unique_key(topic, msg_id, cluster=cluster)
        return found[0] if found else None

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
        of_type = INDEX_TAG_TYPE if key_type == "T" else INDEX_KEY_TYPE
        header = QueryMessageRequestHeader(
            topic=topic, key=key, max_num=max_num, begin_timestamp=begin_ms,
            end_timestamp=end_ms, index_type=of_type, last_key=last_key,
        )  # fmt: skip

        def is_it(message: MessageExt) -> bool:
            words = (message.tags,) if of_type == INDEX_TAG_TYPE else words_of(message)
            return message.topic == topic and key in words

        return await self._query(header, cluster, is_it)

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
        header = QueryMessageRequestHeader(
            topic=topic, key=msg_id, max_num=MAX_UNIQUE, begin_timestamp=begin_ms,
            end_timestamp=end_ms, index_type=INDEX_UNIQUE_TYPE,
        )  # fmt: skip
        found = await self._query(header, cluster, lambda message: message.msg_id == msg_id)
        return sorted(found, key=lambda message: message.store_timestamp)

    async def _query(
        self,
        header: QueryMessageRequestHeader,
        cluster: str | None,
        is_it: Callable[[MessageExt], bool],
    ) -> list[MessageExt]:
        """Ask all brokers that have the topic; the index knows hashes only, so look at what comes."""
        route = await self.topic_route(header.topic)
        if route is None:
            raise RouteNotFound(f"The topic[{header.topic}] not matched route info")
        found: list[MessageExt] = []
        for broker in route.broker_datas:
            if cluster not in {None, broker.cluster}:
                continue
            for addr in _first(broker.broker_addrs):
                answer = await self._ask(addr, RequestCode.QUERY_MESSAGE, header, accepted=_FOUND)
                messages = (MessageExt(one, "") for one in iter_messages(bytes(answer.body)))
                found += [message for message in messages if is_it(message)]
        return found

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


def _first(addrs: dict[int, str]) -> Iterator[str]:
    """Yield the master's address, else a slave's."""
    yield from (addrs[key] for key in sorted(addrs)[:1])
