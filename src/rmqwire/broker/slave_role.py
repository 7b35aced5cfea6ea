"""What a slave refuses (``rejectRequest`` of the processors in 5.x, ``validateSlave`` in 4.9)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Handler, Peer

BUSY: Final = "[REJECTREQUEST]system busy, start flow control for a while"
FROM_MASTER_ONLY: Final = (
    "Can't modify topic or subscription group from slave broker, "
    "please execute it from master broker."
)
_SENDS: Final = (
    RequestCode.SEND_MESSAGE,
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_BATCH_MESSAGE,
    RequestCode.CONSUMER_SEND_MSG_BACK,
)
_PULLS: Final = (RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE)
_CHANGES: Final = (
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    RequestCode.DELETE_TOPIC_IN_BROKER,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    RequestCode.DELETE_SUBSCRIPTIONGROUP,
)


def slave_handlers(
    config: BrokerConfig, release: Release, handlers: Mapping[int, Handler]
) -> dict[int, Handler]:
    """Return what a slave answers in place of a master's handlers.

    Args:
        config: ``slaveReadEnable``, which may change while the broker runs.
        release: whose refusals are given.
        handlers: those of a master.
    """
    if not release.broker.slave_rejects:
        reject = partial(_reject, ResponseCode.SYSTEM_ERROR, FROM_MASTER_ONLY)
        return {int(code): reject for code in _CHANGES if code in handlers}
    table: dict[int, Handler] = {
        int(code): partial(_reject, ResponseCode.SYSTEM_BUSY, BUSY)
        for code in _SENDS
        if code in handlers
    }
    for code in _PULLS:
        if code in handlers:
            table[int(code)] = partial(_read, config, handlers[code])
    return table


def _reject(code: int, remark: str, _: Peer, __: RemotingCommand) -> RemotingCommand:
    raise Reject(code, remark)


def _read(
    config: BrokerConfig, pull: Handler, connection: Peer, request: RemotingCommand
) -> RemotingCommand | None:
    if not config.slave_read_enable:
        raise Reject(ResponseCode.SYSTEM_BUSY, BUSY)
    return pull(connection, request)
