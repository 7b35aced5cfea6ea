"""Who is connected to the brokers, and what they tell (mqadmin's ``connection`` and ``producer``)."""

from __future__ import annotations

from dataclasses import dataclass
from random import choice
from typing import TYPE_CHECKING, Final

from rmqwire.admin.routed import Routed
from rmqwire.broker_errors import ConsumerNotOnline
from rmqwire.codec.bodies import (
    ConsumerConnection,
    ConsumerRunningInfo,
    ProducerConnection,
    ProducerTableInfo,
)
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import (
    GetAllProducerInfoRequestHeader,
    GetConsumerConnectionListRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetProducerConnectionListRequestHeader,
)
from rmqwire.codec.message_const import retry_topic
from rmqwire.errors import BrokerError, RemotingError

if TYPE_CHECKING:
    from rmqwire.codec.bodies import Connection

CLIENT_TIMEOUT_MS: Final = 12_000  # the broker asks its client, and waits ten seconds for it


@dataclass(frozen=True, slots=True)
class Member:
    """A consumer, and what it tells of itself.

    Args:
        connection: as its broker knows it.
        info: what it told; None: nothing, for
        fault: this reason.
    """

    connection: Connection
    info: ConsumerRunningInfo | None
    fault: str = ""


class ConnectionVerbs(Routed):
    """What is asked about clients."""

    async def consumer_connection(self, group: str, addr: str | None = None) -> ConsumerConnection:
        """Return the members of a consumer group (``consumerConnection``).

        Args:
            group: its name.
            addr: the broker to ask; None: any that has the group.

        Raises:
            RouteNotFound: no broker has the group.
            ConsumerNotOnline: it has no members.
        """
        where = addr or choice(await self._addrs_of(retry_topic(group)))
        header = GetConsumerConnectionListRequestHeader(consumer_group=group)
        answer = await self._ask(where, RequestCode.GET_CONSUMER_CONNECTION_LIST, header)
        found = ConsumerConnection.decode(answer.body, self._release)
        if not found.connection_set:
            code = int(ResponseCode.CONSUMER_NOT_ONLINE)
            raise ConsumerNotOnline(code, "Not found the consumer group connection", where)
        return found

    async def producer_connection(self, group: str, topic: str) -> ProducerConnection:
        """Return the members of a producer group (``producerConnection``).

        Args:
            group: its name.
            topic: one of this topic's brokers is asked.

        Raises:
            RouteNotFound: no broker has the topic.
            BrokerError: the broker knows no such group.
        """
        where = choice(await self._addrs_of(topic))
        header = GetProducerConnectionListRequestHeader(producer_group=group)
        answer = await self._ask(where, RequestCode.GET_PRODUCER_CONNECTION_LIST, header)
        return ProducerConnection.decode(answer.body, self._release)

    async def producer(self, addr: str) -> ProducerTableInfo:
        """Return all producers of a broker, by group (``producer``)."""
        header = GetAllProducerInfoRequestHeader()
        answer = await self._ask(addr, RequestCode.GET_ALL_PRODUCER_INFO, header)
        return ProducerTableInfo.decode(answer.body, self._release)

    async def consumer_status(
        self, group: str, addr: str | None = None, *, jstack: bool = False
    ) -> list[Member]:
        """Return the members of a consumer group with what they tell (``consumerStatus``).

        Args:
            group: its name.
            addr: the broker to ask for them; None: any that has the group.
            jstack: with the stacks of their threads.

        Raises:
            RouteNotFound: no broker has the group.
            ConsumerNotOnline: it has no members.
        """
        found = []
        for one in (await self.consumer_connection(group, addr)).connection_set:
            try:
                info = await self.consumer_running_info(group, one.client_id, jstack=jstack)
            except (BrokerError, RemotingError) as error:  # the others are shown all the same
                found.append(Member(one, None, str(error)))
            else:
                found.append(Member(one, info))
        return found

    async def consumer_running_info(
        self, group: str, client_id: str, *, jstack: bool = False
    ) -> ConsumerRunningInfo:
        """Return what one member of a group tells (``consumerStatus -i``).

        Raises:
            RouteNotFound: no broker has the group.
            BrokerError: the member isn't there, or doesn't answer its broker.
        """
        header = GetConsumerRunningInfoRequestHeader(
            consumer_group=group, client_id=client_id, jstack_enable=jstack
        )
        where = (await self._addrs_of(retry_topic(group)))[0]
        answer = await self._ask(
            where, RequestCode.GET_CONSUMER_RUNNING_INFO, header, timeout_ms=CLIENT_TIMEOUT_MS
        )
        return ConsumerRunningInfo.decode(answer.body, self._release)
