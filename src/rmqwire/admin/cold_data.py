"""What groups may read of what isn't in a broker's memory, and how brokers of 5.x read their log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rmqwire.admin.asking import Asking
from rmqwire.admin.namesrv import settings_body
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers.base import Header, Int
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReadAheadHeader(Header, kw_only=True):
    """Ask SET_COMMITLOG_READ_MODE (2004); Java has no class for it."""

    mode: Int = msgspec.field(name="READ_AHEAD_MODE")


class ColdDataVerbs(Asking):
    """The limits of readers of cold data, and reading ahead."""

    async def get_cold_data_flow_ctr_info(self, addr: str) -> dict[str, Any]:
        """Return how much a broker of 5.x lets groups read of what isn't in memory (``getColdDataFlowCtrInfo``).

        Returns:
            ``configTable``, bytes in a period by group; ``runtimeTable``, what groups have read; and the
            limits of all others. Brokers of rmqwire keep the table, and hold nobody back.

        Raises:
            ProtocolError: the answer is no JSON object.
        """
        answer = await self._ask(addr, RequestCode.GET_COLD_DATA_FLOW_CTR_INFO)
        try:
            return msgspec.json.decode(bytes(answer.body) or b"{}", type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ProtocolError(f"cold data of {addr}: {error}") from None

    async def update_cold_data_flow_ctr_group_config(
        self, addr: str, thresholds: Mapping[str, int]
    ) -> None:
        """Limit what groups read of cold data, in bytes of a period (``updateColdDataFlowCtrGroupConfig``)."""
        body = settings_body({group: str(most) for group, most in thresholds.items()})
        await self._ask(addr, RequestCode.UPDATE_COLD_DATA_FLOW_CTR_CONFIG, body=body)

    async def remove_cold_data_flow_ctr_group_config(self, addr: str, group: str) -> None:
        """Take a group's limit away (``removeColdDataFlowCtrGroupConfig``)."""
        code = RequestCode.REMOVE_COLD_DATA_FLOW_CTR_CONFIG
        await self._ask(addr, code, body=group.encode())

    async def set_commit_log_read_ahead_mode(self, addr: str, mode: int) -> str:
        """Choose how a broker of 5.x reads its log: 0 ahead, 1 not (``setCommitLogReadAheadMode``).

        Returns:
            What the broker says.
        """
        header = ReadAheadHeader(mode=mode)
        answer = await self._ask(addr, RequestCode.SET_COMMITLOG_READ_MODE, header)
        return answer.remark or ""
