"""Replication as tools and other brokers of the group ask for it (5.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import ExchangeHAInfoRequestHeader, ExchangeHAInfoResponseHeader

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.dispatch import Handler


class HaAdmin:
    """Answers GET_BROKER_HA_STATUS and EXCHANGE_BROKER_HA_INFO."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def handlers(self) -> dict[int, Handler]:
        """Give the handler of each request code."""
        return {
            RequestCode.GET_BROKER_HA_STATUS: self.status,
            RequestCode.EXCHANGE_BROKER_HA_INFO: self.exchange,
        }

    def status(self, _: Connection, request: RemotingCommand) -> RemotingCommand:
        """Give the slaves and how far each is, or how far we are as a slave."""
        body = self._state.replication.runtime_info().encode(self._state.release)
        return request.create_response(body=body)

    def exchange(self, _: Connection, request: RemotingCommand) -> RemotingCommand:
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
