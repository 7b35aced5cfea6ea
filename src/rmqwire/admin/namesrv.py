"""Name servers: their settings, key-value tables and the permissions in them (mqadmin's ``namesrv``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.admin.asking import Asking
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import (
    AddWritePermOfBrokerRequestHeader,
    AddWritePermOfBrokerResponseHeader,
    DeleteKVConfigRequestHeader,
    GetKVConfigRequestHeader,
    GetKVConfigResponseHeader,
    PutKVConfigRequestHeader,
    WipeWritePermOfBrokerRequestHeader,
    WipeWritePermOfBrokerResponseHeader,
)
from rmqwire.settings import properties

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG"  # NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG
_FOUND_OR_NOT = frozenset((int(ResponseCode.SUCCESS), int(ResponseCode.QUERY_NOT_FOUND)))


class NamesrvVerbs(Asking):
    """What is asked of name servers."""

    async def get_namesrv_config(self, addr: str) -> dict[str, str]:
        """Return the settings of one name server, sorted (``getNamesrvConfig``)."""
        answer = await self._ask(addr, RequestCode.GET_NAMESRV_CONFIG)
        return dict(sorted(properties.parse(bytes(answer.body).decode()).items()))

    async def update_namesrv_config(self, addr: str, values: Mapping[str, str]) -> None:
        """Change settings of one name server (``updateNamesrvConfig``)."""
        await self._ask(addr, RequestCode.UPDATE_NAMESRV_CONFIG, body=settings_body(values))

    async def get_kv_config(self, namespace: str, key: str) -> str | None:
        """Return a value of a key-value table, None when there is none."""
        header = GetKVConfigRequestHeader(namespace=namespace, key=key)
        answer = await self._ask_namesrv(RequestCode.GET_KV_CONFIG, header, accepted=_FOUND_OR_NOT)
        if answer.code != ResponseCode.SUCCESS:
            return None
        return answer.decode_header(GetKVConfigResponseHeader).value

    async def update_kv_config(self, namespace: str, key: str, value: str) -> None:
        """Set a value of a key-value table at each name server (``updateKvConfig``)."""
        header = PutKVConfigRequestHeader(namespace=namespace, key=key, value=value)
        for addr in self.namesrv_addrs:
            await self._ask(addr, RequestCode.PUT_KV_CONFIG, header)

    async def delete_kv_config(self, namespace: str, key: str) -> None:
        """Remove a value of a key-value table from each name server (``deleteKvConfig``)."""
        header = DeleteKVConfigRequestHeader(namespace=namespace, key=key)
        for addr in self.namesrv_addrs:
            await self._ask(addr, RequestCode.DELETE_KV_CONFIG, header)

    async def wipe_write_perm(self, addr: str, broker_name: str) -> int:
        """Let clients send no more to a broker, as one name server tells them (``wipeWritePerm``).

        Args:
            addr: of the name server.
            broker_name: of the broker.

        Returns:
            How many topics that is about.
        """
        header = WipeWritePermOfBrokerRequestHeader(broker_name=broker_name)
        answer = await self._ask(addr, RequestCode.WIPE_WRITE_PERM_OF_BROKER, header)
        return answer.decode_header(WipeWritePermOfBrokerResponseHeader).wipe_topic_count

    async def add_write_perm(self, addr: str, broker_name: str) -> int:
        """Undo ``wipe_write_perm`` (``addWritePerm``)."""
        header = AddWritePermOfBrokerRequestHeader(broker_name=broker_name)
        answer = await self._ask(addr, RequestCode.ADD_WRITE_PERM_OF_BROKER, header)
        return answer.decode_header(AddWritePermOfBrokerResponseHeader).add_topic_count


def settings_body(values: Mapping[str, str]) -> bytes:
    """Return settings as ``MixAll.properties2String`` writes them, a line each, without escapes."""
    return "".join(f"{key}={value}\n" for key, value in values.items()).encode()
