"""Replication as tools and other brokers of the group ask for it (5.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.headers import (
    ExchangeHAInfoRequestHeader,
    ExchangeHAInfoResponseHeader,
    ResetMasterFlushOffsetHeader,
)

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer


class HaAdmin:
    """Answers GET_BROKER_HA_STATUS, EXCHANGE_BROKER_HA_INFO and what slaves ask every minute."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def status(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the slaves and how far each is, or how far we are as a slave."""
        body = self._state.replication.runtime_info().encode(self._state.release)
        return request.create_response(body=body)

    def exchange(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Tell a slave where we are, or hear it from a master."""
        header = request.decode_header(ExchangeHAInfoRequestHeader)
        replication, config = self._state.replication, self._state.config
        if header.master_ha_address is not None:
            if replication.client is not None:
                replication.client.follow(header.master_ha_address)
            return request.create_response(header=ExchangeHAInfoResponseHeader())
        answer = ExchangeHAInfoResponseHeader()
        if not replication.is_slave:
            answer.master_ha_address = config.ha_server_addr
            answer.master_flush_offset = replication.initial_end
            answer.master_address = config.broker_addr
        return request.create_response(header=answer)

    def reset_flush_offset(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Hear up to where the master's log was on its disk."""
        if self._state.replication.is_slave:
            header = request.decode_header(ResetMasterFlushOffsetHeader)
            self._state.replication.master_flush_offset = header.master_flush_offset
        return request.create_response()

    def request_modes(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the groups that pop instead of pulling."""
        return request.create_response(body=self._state.request_modes.encode())
