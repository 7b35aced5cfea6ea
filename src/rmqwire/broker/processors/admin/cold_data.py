"""Thresholds for groups that read cold messages (``ColdDataCgCtrService``), and how the log is read.

Java holds back groups that read more than their threshold of what isn't in memory, when
``coldDataFlowControlEnable`` is on. Which pages are in memory isn't known here: nobody is held back,
whatever the table says, and the table of readers stays empty, as Java's does while that key is off.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers.base import java_integer
from rmqwire.codec.java_map import hash_map_order
from rmqwire.errors import ConfigError
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limited_log import printable
from rmqwire.settings.properties import parse

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

READ_AHEAD_MODE: Final = "READ_AHEAD_MODE"
MOST_GROUPS: Final = 10_000  # ours: anybody may ask for more
_NORMAL, _RANDOM = 0, 1  # LibC.MADV_NORMAL, MADV_RANDOM
logger = logging.getLogger(__name__)


class ColdDataAdmin:
    """Answers UPDATE_, REMOVE_ and GET_COLD_DATA_FLOW_CTR_*, and SET_COMMITLOG_READ_MODE.

    Args:
        state: the broker.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._thresholds: dict[str, int] = {}  # group -> bytes in a period

    def update(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Set the thresholds of groups; a value that is no number is left out."""
        try:
            told = parse(bytes(request.body).decode("utf-8"))
        except (UnicodeDecodeError, ConfigError):
            raise Reject(ResponseCode.SYSTEM_ERROR, "string2Properties error") from None
        for group, text in told.items():
            threshold = java_integer(text)
            if threshold is None:
                logger.warning("cold read threshold of %s is no number", printable(group))
                continue
            if group not in self._thresholds and len(self._thresholds) >= MOST_GROUPS:
                raise Reject(ResponseCode.SYSTEM_ERROR, f"more than {MOST_GROUPS} groups")
            self._thresholds[group] = threshold
            logger.info("cold read threshold of %s: %d", printable(group), threshold)
        return request.create_response()

    def remove(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Forget a group's threshold."""
        self._thresholds.pop(bytes(request.body).decode("utf-8", "replace"), None)
        return request.create_response()

    def info(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Tell all thresholds."""
        config = self._state.config
        told: dict[str, Any] = {
            "runtimeTable": {},
            "configTable": {
                group: self._thresholds[group] for group in hash_map_order(self._thresholds)
            },
            "cgColdReadThreshold": config.cg_cold_read_threshold,
            "globalColdReadThreshold": config.global_cold_read_threshold,
            "globalAcc": 0,
        }
        text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
        return request.create_response(body=text.encode())

    def set_read_mode(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Let reads of the log bring in what follows (0), or not (1)."""
        fields = request.ext_fields
        if fields is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, "set commitlog readahead mode param error")
        mode = java_integer(fields.get(READ_AHEAD_MODE, ""), 2**31)
        if mode is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, "set commitlog readahead mode failed")
        if mode not in {_NORMAL, _RANDOM}:
            raise Reject(
                ResponseCode.INVALID_PARAMETER, "set commitlog readahead mode param value error"
            )
        try:
            self._state.store.read_ahead(wanted=mode == _NORMAL)
        except OSError as error:
            logger.warning("the log is read as before: %s", error)
            raise Reject(ResponseCode.SYSTEM_ERROR, "set commitlog readahead mode failed") from None
        return request.create_response(remark=f"set commitlog readahead mode success, mode: {mode}")
