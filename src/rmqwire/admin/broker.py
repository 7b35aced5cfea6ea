"""One broker: its figures and settings (mqadmin's ``broker``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rmqwire.admin.asking import TIMEOUT_MS, Asking
from rmqwire.admin.namesrv import settings_body
from rmqwire.codec.bodies import ConsumeStatsList, KVTable
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import GetConsumeStatsInBrokerHeader, ResetMasterFlushOffsetHeader
from rmqwire.codec.headers.base import Header
from rmqwire.codec.message_const import TIMER_ENGINE_TYPE
from rmqwire.settings import properties

if TYPE_CHECKING:
    from collections.abc import Mapping

# The answers of a server that serves: access control answers too.
HEALTHY = frozenset((int(ResponseCode.SUCCESS), int(ResponseCode.NO_PERMISSION)))


CONSUME_STATS_TIMEOUT_MS = 50_000  # BrokerConsumeStatsSubCommad.timeoutMillis


class SwitchTimerEngineHeader(Header, kw_only=True):
    """Ask SWITCH_TIMER_ENGINE (5001); Java has no class for it."""

    engine_type: str = msgspec.field(name=TIMER_ENGINE_TYPE)


class BrokerVerbs(Asking):
    """What is asked of a broker about itself."""

    async def broker_status(self, addr: str) -> dict[str, str]:
        """Return a broker's figures by their names, sorted (``brokerStatus``)."""
        answer = await self._ask(addr, RequestCode.GET_BROKER_RUNTIME_INFO)
        return dict(sorted((KVTable.decode(answer.body, self._release).table or {}).items()))

    async def check_health(self, addr: str, *, broker: bool, timeout_ms: int = TIMEOUT_MS) -> None:
        """Ask a server what every release of it answers; a refusal by access control is an answer.

        Args:
            addr: ``host:port``.
            broker: it is a broker; otherwise a name server.
            timeout_ms: how long to wait.
        """
        code = RequestCode.GET_BROKER_RUNTIME_INFO if broker else RequestCode.GET_NAMESRV_CONFIG
        await self._ask(addr, code, accepted=HEALTHY, timeout_ms=timeout_ms)

    async def get_broker_config(self, addr: str) -> dict[str, str]:
        """Return a broker's settings, sorted (``getBrokerConfig``)."""
        answer = await self._ask(addr, RequestCode.GET_BROKER_CONFIG)
        return dict(sorted(properties.parse(bytes(answer.body).decode()).items()))

    async def update_broker_config(self, addr: str, values: Mapping[str, str]) -> None:
        """Change settings of a running broker (``updateBrokerConfig``)."""
        await self._ask(addr, RequestCode.UPDATE_BROKER_CONFIG, body=settings_body(values))

    async def broker_consume_stats(
        self, addr: str, *, order: bool = False, timeout_ms: int = CONSUME_STATS_TIMEOUT_MS
    ) -> ConsumeStatsList:
        """Return where every group of a broker is in every queue (``brokerConsumeStats``).

        Args:
            addr: of the broker.
            order: of ordered topics alone.
            timeout_ms: how long to wait.
        """
        header = GetConsumeStatsInBrokerHeader(is_order=order)
        code = RequestCode.GET_BROKER_CONSUME_STATS
        answer = await self._ask(addr, code, header, timeout_ms=timeout_ms)
        return ConsumeStatsList.decode(answer.body, self._release)

    async def clean_expired_cq(self, addr: str) -> None:
        """Let a broker remove what its queues have of messages that are gone (``cleanExpiredCQ``)."""
        await self._ask(addr, RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)

    async def clean_unused_topic(self, addr: str) -> None:
        """Let a broker remove the queues of topics that it hasn't any more (``cleanUnusedTopic``)."""
        await self._ask(addr, RequestCode.CLEAN_UNUSED_TOPIC)

    async def delete_expired_commit_log(self, addr: str) -> None:
        """Let a broker remove its log's oldest files now (``deleteExpiredCommitLog``)."""
        await self._ask(addr, RequestCode.DELETE_EXPIRED_COMMITLOG)

    async def reset_master_flush_offset(self, addr: str, offset: int) -> None:
        """Set how far a slave of 5.x takes its master to have flushed (``resetMasterFlushOffset``).

        Args:
            addr: of the slave.
            offset: in bytes of the log.
        """
        header = ResetMasterFlushOffsetHeader(master_flush_offset=offset)
        await self._ask(addr, RequestCode.RESET_MASTER_FLUSH_OFFSET, header)

    async def switch_timer_engine(self, addr: str, engine_type: str) -> None:
        """Choose what keeps a 5.x broker's timed messages (``switchTimerEngine``).

        Args:
            addr: of the broker.
            engine_type: ``F``, the file time wheel, or ``R``, the timeline in RocksDB.
        """
        header = SwitchTimerEngineHeader(engine_type=engine_type)
        await self._ask(addr, RequestCode.SWITCH_TIMER_ENGINE, header)
