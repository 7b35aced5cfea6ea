"""Timers as slaves and tools ask for them (5.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer


class TimerAdmin:
    """Answers GET_TIMER_CHECK_POINT, GET_TIMER_METRICS and SWITCH_TIMER_ENGINE."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def check_point(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return how far timers were delivered, for a slave that may have to go on."""
        told = self._state.timers.check_point()
        if told is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, "The checkpoint is null")
        return request.create_response(body=told.encode())

    def metrics(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return how many timers wait for each topic."""
        timers = self._state.timers
        if not timers.is_running:
            raise Reject(ResponseCode.SYSTEM_ERROR, "The timer message store is null")
        return request.create_response(body=timers.metrics.encode())

    def switch_engine(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Keep the timer wheel, or refuse the timeline in RocksDB, which isn't here."""
        state, fields = self._state, request.ext_fields
        if not state.config.timer_wheel_enable:
            raise Reject(ResponseCode.INVALID_PARAMETER, "broker timerWheelEnable is false")
        if fields is None:
            raise Reject(ResponseCode.INVALID_PARAMETER, "param error, extFields is null")
        engine = fields.get(const.TIMER_ENGINE_TYPE)
        if engine == const.TIMER_ENGINE_ROCKSDB_TIMELINE:
            raise Reject(
                ResponseCode.INVALID_PARAMETER,
                "timerRocksDBEnable must be configured true when broker start",
            )
        if engine != const.TIMER_ENGINE_FILE_TIME_WHEEL:
            raise Reject(ResponseCode.INVALID_PARAMETER, "param error")
        if state.store.config.timer_stop_enqueue:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                "switch timer engine error, timerStopEnqueue is true: change it by updateBrokerConfig",
            )
        return request.create_response(remark="switch timer engine success")
