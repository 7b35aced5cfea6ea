"""Messages by key and by id, asked of the brokers that have their topic (``MQAdminImpl.queryMessage``).

No trio in here: the caller knows the brokers, the api asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.client import admin_api
from rmqwire.client.message_ext import MessageExt
from rmqwire.client.route_table import any_addr
from rmqwire.codec.headers import QueryMessageRequestHeader
from rmqwire.codec.host import host_text
from rmqwire.codec.message_const import (
    INDEX_KEY_TYPE,
    INDEX_TAG_TYPE,
    INDEX_UNIQUE_TYPE,
    KEY_SEPARATOR,
)
from rmqwire.codec.message_id import decode_offset_id, is_message_id
from rmqwire.codec.namespace import NO_NAMESPACE
from rmqwire.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rmqwire.client.api import ClientApi
    from rmqwire.codec.bodies import BrokerData
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.namespace import Namespace

MOST_OF_ONE_ID = 32
LONG_MAX = 2**63 - 1


@dataclass(slots=True)
class QueryResult:
    """What a query has found.

    Args:
        index_last_update_timestamp: when the newest of the brokers' indexes was written last, ms since
            the epoch.
        message_list: the messages.
    """

    index_last_update_timestamp: int
    message_list: list[MessageExt]


class MessageQueries:
    """Finds messages; each call raises RmqError when one of the brokers doesn't answer.

    Args:
        api: asks.
        brokers: those that have the topic.
        namespace: taken off what they say.
    """

    def __init__(
        self,
        api: ClientApi,
        brokers: Sequence[BrokerData],
        namespace: Namespace = NO_NAMESPACE,
    ) -> None:
        self._api = api
        self._brokers = brokers
        self._namespace = namespace

    async def by_key(
        self,
        topic: str,
        key: str,
        max_num: int,
        begin_ms: int,
        end_ms: int,
        *,
        tag: bool = False,
        last_key: str | None = None,
    ) -> QueryResult:
        """Return messages that have a key, or a tag; the arguments as of ``MQAdmin.query_message``.

        Args:
            topic: where they are.
            key: one of their keys, or their tag.
            max_num: so many of each broker at most.
            begin_ms: stored at this time or later, ms since the epoch.
            end_ms: stored at this time or before.
            tag: it is a tag (brokers of 5.5).
            last_key: go on behind this key of the index (brokers of 5.5 with an index in RocksDB).
        """

        def is_it(message: MessageExt) -> bool:
            words = (message.tags,) if tag else (message.keys or "").split(KEY_SEPARATOR)
            return message.topic == topic and key in words

        header = QueryMessageRequestHeader(
            topic=topic, key=key, max_num=max_num, begin_timestamp=begin_ms, end_timestamp=end_ms,
            index_type=INDEX_TAG_TYPE if tag else INDEX_KEY_TYPE, last_key=last_key,
        )  # fmt: skip
        return await self._query(header, is_it)

    async def by_broker_id(self, topic: str, msg_id: str) -> MessageExt | None:
        """Return the message of an id that names one of the brokers, None of any other id.

        A producer's id looks alike: nobody else is asked, least of all a producer's address.
        """
        if not is_message_id(msg_id):
            return None
        ip, port, offset = decode_offset_id(msg_id)
        addr = host_text((ip, port))
        name = _names(self._brokers).get(addr)
        if name is None:
            return None
        try:
            stored = await admin_api.view_message(self._api, addr, topic, offset)
        except BrokerError:
            return None  # it may be a producer's id all the same
        return self._message(stored, name)

    async def by_unique_key(
        self, topic: str, msg_id: str, begin_ms: int = 0, end_ms: int = LONG_MAX
    ) -> list[MessageExt]:
        """Return the messages that a producer called so, oldest first.

        Several: a retry, and what was sent again, keep their id.
        """
        header = QueryMessageRequestHeader(
            topic=topic, key=msg_id, max_num=MOST_OF_ONE_ID, begin_timestamp=begin_ms,
            end_timestamp=end_ms, index_type=INDEX_UNIQUE_TYPE,
        )  # fmt: skip
        found = await self._query(header, lambda message: message.unique_key == msg_id)
        return sorted(found.message_list, key=lambda message: message.store_timestamp)

    async def _query(
        self, header: QueryMessageRequestHeader, is_it: Callable[[MessageExt], bool]
    ) -> QueryResult:
        """Ask all brokers; the index knows hashes only, so look at what comes."""
        result = QueryResult(0, [])
        for broker in self._brokers:
            addr = any_addr(broker)
            if addr is None:
                continue
            written_ms, stored = await admin_api.query_message(self._api, addr, header)
            result.index_last_update_timestamp = max(result.index_last_update_timestamp, written_ms)
            messages = (self._message(one, broker.broker_name) for one in stored)
            result.message_list += [message for message in messages if is_it(message)]
        return result

    def _message(self, stored: StoredMessage, broker_name: str) -> MessageExt:
        self._namespace.unwrap_message(stored)
        return MessageExt.of(stored, broker_name)


def _names(brokers: Iterable[BrokerData]) -> dict[str, str]:
    """Return the brokers' names by their addresses."""
    return {addr: broker.broker_name for broker in brokers for addr in broker.broker_addrs.values()}
