"""Consumer groups: made, removed, and their settings (mqadmin's ``consumer``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.admin.asking import Asking
from rmqwire.admin.paging import PAGE_SIZE, whole_table
from rmqwire.client.route_table import any_addr
from rmqwire.codec.bodies import (
    SetMessageRequestModeRequestBody,
    SubscriptionGroupConfig,
    SubscriptionGroupList,
    SubscriptionGroupWrapper,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    DeleteSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupRequestHeader,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class BrokerGroupConfig:
    """A group's settings at one broker.

    Args:
        cluster: the broker's cluster.
        broker_name: the broker.
        config: the settings.
    """

    cluster: str
    broker_name: str
    config: SubscriptionGroupConfig


class ConsumerVerbs(Asking):
    """What is asked about the settings of consumer groups."""

    async def update_sub_group(self, addr: str, config: SubscriptionGroupConfig) -> None:
        """Make a consumer group at a broker, or change it (``updateSubGroup``)."""
        code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
        await self._ask(addr, code, body=config.encode(self._release))

    async def update_sub_group_list(
        self, addr: str, configs: Sequence[SubscriptionGroupConfig]
    ) -> None:
        """Make or change several groups at a broker of 5.x (``updateSubGroupList``)."""
        code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST
        body = SubscriptionGroupList(group_config_list=list(configs))
        await self._ask(addr, code, body=body.encode(self._release))

    async def delete_sub_group(self, addr: str, group: str, *, remove_offset: bool = True) -> None:
        """Remove a consumer group from a broker (``deleteSubGroup``).

        Args:
            addr: the broker.
            group: the group.
            remove_offset: with the offsets that it has committed.
        """
        header = DeleteSubscriptionGroupRequestHeader(
            group_name=group, clean_offset=remove_offset, remove_offset=remove_offset
        )
        await self._ask(addr, RequestCode.DELETE_SUBSCRIPTIONGROUP, header)

    async def sub_groups(self, addr: str) -> SubscriptionGroupWrapper:
        """Return all consumer groups of a broker, asked for in pages as 5.x brokers have them."""

        async def ask(known: int, version: str) -> tuple[SubscriptionGroupWrapper, int]:
            header = GetAllSubscriptionGroupRequestHeader(
                group_seq=known, data_version=version, max_group_num=PAGE_SIZE
            )
            answer = await self._ask(addr, RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, header)
            total = int((answer.ext_fields or {}).get("totalGroupNum") or 0)
            return SubscriptionGroupWrapper.decode(answer.body, self._release), total

        return await whole_table(ask, lambda one: one.subscription_group_table)

    async def get_consumer_config(self, group: str) -> list[BrokerGroupConfig]:
        """Return a group's settings at each broker that has it (``getConsumerConfig``)."""
        info = await self.cluster_info()
        clusters = {
            name: cluster for cluster, names in info.cluster_addr_table.items() for name in names
        }
        found = []
        for name, broker in sorted(info.broker_addr_table.items()):
            addr = any_addr(broker)
            if addr is None:
                continue
            config = (await self.sub_groups(addr)).subscription_group_table.get(group)
            if config is not None:
                found.append(BrokerGroupConfig(clusters.get(name, ""), name, config))
        return found

    async def set_consume_mode(
        self, addr: str, topic: str, group: str, mode: str, pop_share_queue_num: int = 0
    ) -> None:
        """Choose between pull and pop for the push consumers of a group (``setConsumeMode``, 5.x).

        Args:
            addr: the broker.
            topic: of which topic.
            group: which group.
            mode: ``PULL`` or ``POP``.
            pop_share_queue_num: queues that each member pops from besides its own.
        """
        body = SetMessageRequestModeRequestBody(topic, group, mode, pop_share_queue_num)
        code = RequestCode.SET_MESSAGE_REQUEST_MODE
        await self._ask(addr, code, body=body.encode(self._release))
