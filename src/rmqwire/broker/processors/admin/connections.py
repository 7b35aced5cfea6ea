"""Who is connected, and who holds which queue (``AdminBrokerProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.processors.admin.answers import connection_body, language_name
from rmqwire.codec.bodies import (
    ConsumerConnection,
    LockBatchRequestBody,
    LockBatchResponseBody,
    ProducerConnection,
    ProducerInfo,
    ProducerTableInfo,
    UnlockBatchRequestBody,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    GetConsumerConnectionListRequestHeader,
    GetProducerConnectionListRequestHeader,
)
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer


class ConnectionAdmin:
    """Answers who is connected, and grants the locks of orderly consumers.

    Args:
        state: the broker.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    def consumers(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Show the members and subscriptions of a group that is online."""
        group = request.decode_header(GetConsumerConnectionListRequestHeader).consumer_group
        info = self._state.consumers.find(group)
        if info is None:
            remark = f"the consumer group[{group}] not online"
            raise Reject(ResponseCode.CONSUMER_NOT_ONLINE, remark)
        body = ConsumerConnection(
            connection_set=[connection_body(client) for client in info.channels.values()],
            subscription_table=info.subscriptions,
            consume_type=info.consume_type,
            message_model=info.message_model,
            consume_from_where=info.consume_from_where,
        )
        return request.create_response(body=body.encode(self._release))

    def producers(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Show the members of a producer group."""
        group = request.decode_header(GetProducerConnectionListRequestHeader).producer_group
        clients = self._state.producers.clients(group)
        if not clients:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"the producer group[{group}] not exist")
        body = ProducerConnection(connection_set=[connection_body(client) for client in clients])
        return request.create_response(body=body.encode(self._release))

    def all_producers(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Show the members of every producer group."""
        table = {
            group: [
                ProducerInfo(
                    client_id=client.client_id,
                    remote_ip="/" + client.connection.peer,
                    language=language_name(client.language),
                    version=client.version,
                    last_update_timestamp=self._state.wall_of(client.seen_ms),
                )
                for client in channels.values()
            ]
            for group, channels in self._state.producers.groups.items()
        }
        return request.create_response(body=ProducerTableInfo(data=table).encode(self._release))

    def lock(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Lock queues for an orderly consumer; the answer names those it has."""
        body = LockBatchRequestBody.decode(request.body, self._release)
        granted = self._state.queue_locks.try_lock_batch(
            body.consumer_group, body.mq_set, body.client_id
        )
        answer = LockBatchResponseBody(lock_okmq_set=granted)
        return request.create_response(body=answer.encode(self._release))

    def unlock(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Take back the locks that an orderly consumer gives up."""
        body = UnlockBatchRequestBody.decode(request.body, self._release)
        self._state.queue_locks.unlock_batch(body.consumer_group, body.mq_set, body.client_id)
        return request.create_response()
