"""Lite topics of 5.5 (mqadmin's ``lite``)."""

from __future__ import annotations

from rmqwire.admin.routed import Routed
from rmqwire.client.route_table import any_addr
from rmqwire.codec.bodies import (
    GetBrokerLiteInfoResponseBody,
    GetLiteClientInfoResponseBody,
    GetLiteGroupInfoResponseBody,
    GetLiteTopicInfoResponseBody,
    GetParentTopicInfoResponseBody,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    GetLiteClientInfoRequestHeader,
    GetLiteGroupInfoRequestHeader,
    GetLiteTopicInfoRequestHeader,
    GetParentTopicInfoRequestHeader,
    TriggerLiteDispatchRequestHeader,
)

TOP = 20  # lite topics of a list, when nobody says how many


class LiteVerbs(Routed):
    """What is asked of one broker about its lite topics, and which brokers have some."""

    async def lite_brokers(self, parent: str) -> dict[str, str]:
        """Return broker name -> address of those that a topic with lite topics is at.

        Raises:
            RouteNotFound: no broker has it.
        """
        brokers = (await self._route(parent)).broker_datas
        return {one.broker_name: addr for one in brokers if (addr := any_addr(one))}

    async def get_broker_lite_info(self, addr: str) -> GetBrokerLiteInfoResponseBody:
        """Return how much a broker has of everything (``getBrokerLiteInfo``)."""
        answer = await self._ask(addr, RequestCode.GET_BROKER_LITE_INFO)
        return GetBrokerLiteInfoResponseBody.decode(answer.body, self._release)

    async def get_parent_topic_info(self, addr: str, parent: str) -> GetParentTopicInfoResponseBody:
        """Return what is under a topic, and which groups consume it (``getParentTopicInfo``)."""
        header = GetParentTopicInfoRequestHeader(topic=parent)
        answer = await self._ask(addr, RequestCode.GET_PARENT_TOPIC_INFO, header)
        return GetParentTopicInfoResponseBody.decode(answer.body, self._release)

    async def get_lite_topic_info(
        self, addr: str, parent: str, lite_topic: str
    ) -> GetLiteTopicInfoResponseBody:
        """Return what a lite topic holds, and who subscribes it (``getLiteTopicInfo``)."""
        header = GetLiteTopicInfoRequestHeader(parent_topic=parent, lite_topic=lite_topic)
        answer = await self._ask(addr, RequestCode.GET_LITE_TOPIC_INFO, header)
        return GetLiteTopicInfoResponseBody.decode(answer.body, self._release)

    async def get_lite_client_info(
        self, addr: str, parent: str, group: str, client_id: str
    ) -> GetLiteClientInfoResponseBody:
        """Return what a client subscribes at a broker (``getLiteClientInfo``)."""
        header = GetLiteClientInfoRequestHeader(
            parent_topic=parent, group=group, client_id=client_id
        )
        answer = await self._ask(addr, RequestCode.GET_LITE_CLIENT_INFO, header)
        return GetLiteClientInfoResponseBody.decode(answer.body, self._release)

    async def get_lite_group_info(
        self, addr: str, group: str, lite_topic: str | None = None, top: int = TOP
    ) -> GetLiteGroupInfoResponseBody:
        """Return how far a group is behind, in one lite topic or in all (``getLiteGroupInfo``).

        Args:
            addr: the broker.
            group: the group.
            lite_topic: in this one; None: in all.
            top: how many of those that are the furthest behind.
        """
        header = GetLiteGroupInfoRequestHeader(group=group, lite_topic=lite_topic, top_k=top)
        answer = await self._ask(addr, RequestCode.GET_LITE_GROUP_INFO, header)
        return GetLiteGroupInfoResponseBody.decode(answer.body, self._release)

    async def trigger_lite_dispatch(
        self, addr: str, group: str, client_id: str | None = None
    ) -> None:
        """Let a broker look at once for what a group may pop (``triggerLiteDispatch``).

        Args:
            addr: the broker.
            group: the group.
            client_id: for this client alone.
        """
        header = TriggerLiteDispatchRequestHeader(group=group, client_id=client_id)
        await self._ask(addr, RequestCode.TRIGGER_LITE_DISPATCH, header)
