"""Messages by key and by id, asked of the brokers that have their topic (``MQAdminImpl.queryMessage``).

No trio in here: the instance knows routes, the api asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.client import admin_api
from rmqwire.client.message_ext import MessageExt
from rmqwire.client.route_table import any_addr
from rmqwire.codec.headers import QueryMessageRequestHeader
from rmqwire.codec.host import host_text
from rmqwire.codec.message_const import INDEX_KEY_TYPE, INDEX_UNIQUE_TYPE, KEY_SEPARATOR
from rmqwire.codec.message_id import decode_offset_id, is_message_id
from rmqwire.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.instance import ClientInstance
    from rmqwire.codec.bodies import TopicRouteData
    from rmqwire.codec.message import StoredMessage

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
    """Finds messages; each call raises RmqError when a broker of the topic doesn't answer.

    Args:
        instance: routes and calls.
    """

    def __init__(self, instance: ClientInstance) -> None:
        self._instance = instance

    async def by_key(
        self, topic: str, key: str, max_num: int, begin_ms: int, end_ms: int
    ) -> QueryResult:
        """Return messages that have a key; the arguments as of ``MQAdmin.query_message``."""

        def is_it(message: MessageExt) -> bool:
            keys = (message.keys or "").split(KEY_SEPARATOR)
            return message.topic == topic and key in keys

        header = QueryMessageRequestHeader(
            topic=topic, key=key, max_num=max_num, begin_timestamp=begin_ms,
            end_timestamp=end_ms, index_type=INDEX_KEY_TYPE,
        )  # fmt: skip
        return await self._query(header, is_it)

    async def by_id(self, topic: str, msg_id: str) -> MessageExt | None:
        """Return the message of a broker's id, or the oldest of a producer's; None without one.

        Both look alike. An id is taken for a broker's when it names one that has the topic; nobody
        else is asked, least of all a producer's address.
        """
        if is_message_id(msg_id):
            ip, port, offset = decode_offset_id(msg_id)
            names = _names(await self._instance.route_of(topic))
            addr = host_text((ip, port))
            if addr in names:
                try:
                    api = self._instance.api
                    stored = await admin_api.view_message(api, addr, topic, offset)
                except BrokerError:
                    pass  # it may be a producer's id all the same
                else:
                    return self._message(stored, names[addr])
        return await self._by_unique_key(topic, msg_id)

    async def _by_unique_key(self, topic: str, key: str) -> MessageExt | None:
        header = QueryMessageRequestHeader(
            topic=topic, key=key, max_num=MOST_OF_ONE_ID, begin_timestamp=0,
            end_timestamp=LONG_MAX, index_type=INDEX_UNIQUE_TYPE,
        )  # fmt: skip
        found = await self._query(header, lambda message: message.unique_key == key)
        by_age = sorted(found.message_list, key=lambda message: message.store_timestamp)
        return by_age[0] if by_age else None

    async def _query(
        self, header: QueryMessageRequestHeader, is_it: Callable[[MessageExt], bool]
    ) -> QueryResult:
        """Ask all brokers of a topic; the index knows hashes only, so look at what comes."""
        result = QueryResult(0, [])
        for broker in (await self._instance.route_of(header.topic)).broker_datas:
            addr = any_addr(broker)
            if addr is None:
                continue
            written_ms, stored = await admin_api.query_message(self._instance.api, addr, header)
            result.index_last_update_timestamp = max(result.index_last_update_timestamp, written_ms)
            messages = (self._message(one, broker.broker_name) for one in stored)
            result.message_list += [message for message in messages if is_it(message)]
        return result

    def _message(self, stored: StoredMessage, broker_name: str) -> MessageExt:
        self._instance.namespace.unwrap_message(stored)
        return MessageExt(stored, broker_name)


def _names(route: TopicRouteData) -> dict[str, str]:
    """Return the brokers' names by their addresses."""
    return {
        addr: broker.broker_name
        for broker in route.broker_datas
        for addr in broker.broker_addrs.values()
    }
