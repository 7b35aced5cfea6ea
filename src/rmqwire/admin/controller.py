"""Controllers of 5.x and the brokers that they choose masters among (mqadmin's ``controller``).

rmqwire has no controller: these ask RocketMQ's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.admin.asking import Asking
from rmqwire.admin.namesrv import settings_body
from rmqwire.clock import wall_ms
from rmqwire.codec import java_json
from rmqwire.codec.bodies import BrokerReplicasInfo, ElectMasterResponseBody, EpochEntryCache
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    CleanControllerBrokerDataRequestHeader,
    ElectMasterRequestHeader,
    ElectMasterResponseHeader,
    GetMetaDataResponseHeader,
)
from rmqwire.errors import ConnectFailed
from rmqwire.settings import properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.headers import Header


@dataclass(frozen=True, slots=True)
class Elected:
    """The master that a controller has chosen.

    Args:
        broker_name: of its replicas.
        master_address: where it is.
        master_epoch: the number of its reign.
        sync_state_set_epoch: the number of the set of replicas that are in sync.
        broker_addrs: all replicas by their ids.
    """

    broker_name: str
    master_address: str | None
    master_epoch: int | None
    sync_state_set_epoch: int | None
    broker_addrs: dict[int, str]


class ControllerVerbs(Asking):
    """What is asked of controllers, and of brokers about their masters."""

    async def get_controller_meta_data(self, addr: str) -> GetMetaDataResponseHeader:
        """Return a controller's group, leader and peers (``getControllerMetaData``)."""
        answer = await self._ask(addr, RequestCode.CONTROLLER_GET_METADATA_INFO)
        return answer.decode_header(GetMetaDataResponseHeader)

    async def get_controller_config(self, addr: str) -> dict[str, str]:
        """Return a controller's settings, sorted (``getControllerConfig``)."""
        answer = await self._ask(addr, RequestCode.GET_CONTROLLER_CONFIG)
        return dict(sorted(properties.parse(bytes(answer.body).decode()).items()))

    async def update_controller_config(self, addr: str, values: Mapping[str, str]) -> None:
        """Change settings of a controller (``updateControllerConfig``)."""
        await self._ask(addr, RequestCode.UPDATE_CONTROLLER_CONFIG, body=settings_body(values))

    async def get_sync_state_set(self, addr: str, broker_names: list[str]) -> BrokerReplicasInfo:
        """Return which replicas of brokers are in sync, asked of the leader (``getSyncStateSet``).

        Args:
            addr: of any controller.
            broker_names: of these brokers.
        """
        body = java_json.dumps(broker_names)
        code = RequestCode.CONTROLLER_GET_SYNC_STATE_DATA
        answer = await self._ask_leader(addr, code, None, body)
        return BrokerReplicasInfo.decode(answer.body, self._release)

    async def get_broker_epoch(self, addr: str) -> EpochEntryCache:
        """Return the reigns of masters that a broker's log has (``getBrokerEpoch``)."""
        answer = await self._ask(addr, RequestCode.GET_BROKER_EPOCH_CACHE)
        found = EpochEntryCache.decode(answer.body, self._release)
        if found.epoch_list:
            found.epoch_list[-1].end_offset = found.max_offset  # the reign of now has no end yet
        return found

    async def elect_master(
        self, addr: str, cluster: str, broker_name: str, broker_id: int
    ) -> Elected:
        """Let the controller make a replica the master, if its rules allow it (``electMaster``).

        Args:
            addr: of any controller.
            cluster: of the broker.
            broker_name: of the replicas.
            broker_id: of the one that shall be master.
        """
        header = ElectMasterRequestHeader(
            cluster_name=cluster,
            broker_name=broker_name,
            broker_id=broker_id,
            designate_elect=True,
            invoke_time=wall_ms(),
        )
        answer = await self._ask_leader(addr, RequestCode.CONTROLLER_ELECT_MASTER, header)
        chosen = answer.decode_header(ElectMasterResponseHeader)
        group = ElectMasterResponseBody.decode(answer.body, self._release).broker_member_group
        return Elected(
            broker_name,
            chosen.master_address,
            chosen.master_epoch,
            chosen.sync_state_set_epoch,
            {} if group is None else dict(group.broker_addrs),
        )

    async def clean_broker_metadata(
        self,
        addr: str,
        broker_name: str,
        *,
        cluster: str | None = None,
        broker_ids: str | None = None,
        living: bool = False,
    ) -> None:
        """Let the controller forget replicas (``cleanBrokerMetadata``).

        Args:
            addr: of any controller.
            broker_name: of the replicas.
            cluster: theirs; needed unless ``living``.
            broker_ids: joined by ``;``; None: all of them.
            living: those too that are alive.
        """
        header = CleanControllerBrokerDataRequestHeader(
            cluster_name=cluster,
            broker_name=broker_name,
            broker_controller_ids_to_clean=broker_ids,
            is_clean_living_broker=living,
            invoke_time=wall_ms(),
        )
        await self._ask_leader(addr, RequestCode.CLEAN_BROKER_DATA, header)

    async def _ask_leader(
        self, addr: str, code: RequestCode, header: Header | None, body: bytes = b""
    ) -> RemotingCommand:
        leader = (await self.get_controller_meta_data(addr)).controller_leader_address
        if not leader:
            raise ConnectFailed("the controllers have no leader", addr)
        return await self._ask(leader, code, header, body)
