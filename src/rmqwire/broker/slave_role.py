"""What a slave does with a request (``rejectRequest`` of the processors in 5.x, ``validateSlave`` in 4.9)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import ResponseCode
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Handler, Peer

SERVED: Final = "served"
NO_SENDS: Final = "SYSTEM_BUSY in 5.x; SERVICE_NOT_AVAILABLE from the store in 4.9"
READS_IF_ALLOWED: Final = "served in 4.9, with slaveReadEnable in 5.x"
NO_TRANSACTIONS: Final = "SLAVE_NOT_AVAILABLE"
FROM_MASTER: Final = "SYSTEM_ERROR in 4.9, served in 5.x"

BUSY: Final = "[REJECTREQUEST]system busy, start flow control for a while"
FROM_MASTER_ONLY: Final = (
    "Can't modify topic or subscription group from slave broker, "
    "please execute it from master broker."
)


def slave_handler(
    on_slave: str, handler: Handler, config: BrokerConfig, release: Release
) -> Handler:
    """Return what answers on a slave in place of a master's handler.

    Args:
        on_slave: what the table of requests says.
        handler: a master's.
        config: ``slaveReadEnable``, which may change while the broker runs.
        release: whose refusals are given.
    """
    if on_slave == NO_TRANSACTIONS:
        return partial(_reject, ResponseCode.SLAVE_NOT_AVAILABLE, None)
    if release.broker.slave_rejects:
        if on_slave == NO_SENDS:
            return partial(_reject, ResponseCode.SYSTEM_BUSY, BUSY)
        if on_slave == READS_IF_ALLOWED:
            return partial(_read, config, handler)
    elif on_slave == FROM_MASTER:
        return partial(_reject, ResponseCode.SYSTEM_ERROR, FROM_MASTER_ONLY)
    return handler


def _reject(code: int, remark: str | None, _: Peer, __: RemotingCommand) -> RemotingCommand:
    raise Reject(code, remark)


def _read(
    config: BrokerConfig, pull: Handler, connection: Peer, request: RemotingCommand
) -> RemotingCommand | None:
    if not config.slave_read_enable:
        raise Reject(ResponseCode.SYSTEM_BUSY, BUSY)
    return pull(connection, request)
