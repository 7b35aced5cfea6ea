"""Accounts of access control 1.0 (mqadmin's ``acl``, up to 4.9)."""

from __future__ import annotations

import json

from rmqwire.admin.asking import Asking
from rmqwire.codec.bodies import AclConfig, ClusterAclVersionInfo, DataVersion, PlainAccessConfig
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import (
    CreateAccessConfigRequestHeader,
    DeleteAccessConfigRequestHeader,
    GetBrokerAclConfigResponseHeader,
    UpdateGlobalWhiteAddrsConfigRequestHeader,
)
from rmqwire.errors import ProtocolError


class AclVerbs(Asking):
    """What is asked about the accounts of brokers of 4.9."""

    async def update_acl_config(self, addr: str, account: PlainAccessConfig) -> None:
        """Add an account to a broker's ``plain_acl.yml``, or change it (``updateAclConfig``)."""
        header = CreateAccessConfigRequestHeader(
            access_key=account.access_key or "",
            secret_key=account.secret_key,
            white_remote_address=account.white_remote_address,
            admin=account.admin,
            default_topic_perm=account.default_topic_perm,
            default_group_perm=account.default_group_perm,
            topic_perms=_joined(account.topic_perms),
            group_perms=_joined(account.group_perms),
        )
        await self._ask(addr, RequestCode.UPDATE_AND_CREATE_ACL_CONFIG, header)

    async def delete_acl_config(self, addr: str, access_key: str) -> None:
        """Take an account away from a broker (``deleteAclConfig``)."""
        header = DeleteAccessConfigRequestHeader(access_key=access_key)
        await self._ask(addr, RequestCode.DELETE_ACL_CONFIG, header)

    async def update_global_white_addr(self, addr: str, addresses: str, path: str = "") -> None:
        """Set who needs no account (``updateGlobalWhiteAddr``).

        Args:
            addr: the broker.
            addresses: patterns joined by commas.
            path: of the ACL file; empty: ``plain_acl.yml``.
        """
        header = UpdateGlobalWhiteAddrsConfigRequestHeader(
            global_white_addrs=addresses, acl_file_full_path=path
        )
        await self._ask(addr, RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, header)

    async def get_acl_config(self, addr: str) -> AclConfig:
        """Return a broker's accounts and white list (``getAclConfig``)."""
        answer = await self._ask(addr, RequestCode.GET_BROKER_CLUSTER_ACL_CONFIG)
        return AclConfig.decode(answer.body, self._release)

    async def cluster_acl_config_version(self, addr: str) -> ClusterAclVersionInfo:
        """Return the versions of a broker's ACL files (``clusterAclConfigVersion``).

        Raises:
            ProtocolError: the answer can't be read.
        """
        answer = await self._ask(addr, RequestCode.GET_BROKER_CLUSTER_ACL_INFO)
        header = answer.decode_header(GetBrokerAclConfigResponseHeader)
        try:
            files = json.loads(header.all_acl_file_version or "{}")
        except ValueError as error:
            raise ProtocolError(f"allAclFileVersion of {addr}: {error}") from None
        return ClusterAclVersionInfo(
            broker_name=header.broker_name,
            broker_addr=header.broker_addr,
            acl_config_data_version=DataVersion.decode(header.version.encode(), self._release),
            all_acl_config_data_version={
                path: DataVersion.decode(json.dumps(one).encode(), self._release)
                for path, one in files.items()
            },
            cluster_name=header.cluster_name,
        )


def _joined(parts: list[str] | None) -> str | None:
    return None if parts is None else ",".join(parts)
