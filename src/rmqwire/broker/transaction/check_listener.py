"""Ask a producer what became of its transaction (``AbstractTransactionalMessageCheckListener``)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import java_map_order
from rmqwire.codec import headers
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.record import encode_message
from rmqwire.errors import TooManyRequests

if TYPE_CHECKING:
    from rmqwire.broker.clients.client_table import ProducerTable
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release
    from rmqwire.remoting.limited_log import LimitedLog
    from rmqwire.store.results import PutMessageResult


class TransactionCheckListener:
    """Sends CHECK_TRANSACTION_STATE, oneway; the answer is an END_TRANSACTION.

    Args:
        producers: who is connected.
        config: this broker's name.
        release: what the request says.
        log: where it stands that nobody could be asked.
    """

    def __init__(
        self, producers: ProducerTable, config: BrokerConfig, release: Release, log: LimitedLog
    ) -> None:
        self._producers = producers
        self._config = config
        self._release = release
        self._log = log

    def ask(self, half: StoredMessage, copy: PutMessageResult) -> None:
        """Ask any living producer of the group.

        Args:
            half: the half message, with the properties of its copy.
            copy: where the copy is, which the producer's answer has to name.
        """
        group = half.properties.get(const.PROPERTY_PRODUCER_GROUP)
        producer = self._producers.available(group) if group else None
        if producer is None:
            self._log.warning(
                "check", "no producer of group %s to ask about %s", group, half.message_id
            )
            return
        request = self._request(half, copy)
        try:
            producer.send_oneway(request)
        except TooManyRequests as error:
            self._log.warning("check", "transaction check of group %s: %s", group, error)

    def _request(self, half: StoredMessage, copy: PutMessageResult) -> RemotingCommand:
        properties = half.properties
        unique_key = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        header = headers.CheckTransactionStateRequestHeader(
            tran_state_table_offset=copy.queue_offset,
            commit_log_offset=copy.physical_offset,
            msg_id=unique_key,
            transaction_id=unique_key,
            offset_msg_id=copy.message_id,
        )
        if self._release.broker.checks_name_topic:
            header.topic = half.topic
            header.bname = self._config.broker_name
        kept = properties | {const.PROPERTY_WAIT_STORE_MSG_OK: "false"}
        order = java_map_order(kept, self._release.wire.property_map_capacity)
        message = replace(
            half,
            topic=properties[const.PROPERTY_REAL_TOPIC],
            queue_id=int(properties[const.PROPERTY_REAL_QUEUE_ID]),
            queue_offset=copy.queue_offset,
            physical_offset=copy.physical_offset,
            properties={name: kept[name] for name in order},
            record=b"",
        )
        request = RemotingCommand.request(RequestCode.CHECK_TRANSACTION_STATE, header)
        request.version = self._release.mq_version
        request.body = encode_message(message, self._release)
        return request
