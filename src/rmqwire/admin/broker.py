"""One broker: its figures and settings (mqadmin's ``broker``)."""

from __future__ import annotations

from rmqwire.admin.asking import TIMEOUT_MS, Asking
from rmqwire.codec.bodies import KVTable
from rmqwire.codec.codes import RequestCode, ResponseCode

# The answers of a server that serves: access control answers too.
HEALTHY = frozenset((int(ResponseCode.SUCCESS), int(ResponseCode.NO_PERMISSION)))


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
