"""Requests for brokers of another mode: a controller's, with an acting master, with tables in RocksDB.

A broker without that mode answers them, in Java too, and changes nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import CheckRocksdbCqWriteResult, SyncStateSet
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    ExportRocksDBConfigToJsonRequestHeader,
    NotifyBrokerRoleChangedRequestHeader,
    NotifyMinBrokerIdChangeRequestHeader,
)
from rmqwire.remoting.handler import NOT_SET, Reject
from rmqwire.remoting.limited_log import printable

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

EXPORTED: Final = {"topics", "subscriptiongroups", "consumeroffsets"}
IN_PROGRESS: Final = 2  # CheckRocksdbCqWriteResult.CheckStatus
logger = logging.getLogger(__name__)


class OtherModesAdmin:
    """Answers what only brokers of another mode act upon.

    CHECK_ROCKSDB_CQ_WRITE_PROGRESS, EXPORT_ROCKSDB_CONFIG_TO_JSON, NOTIFY_MIN_BROKER_ID_CHANGE,
    GET_BROKER_EPOCH_CACHE and NOTIFY_BROKER_ROLE_CHANGED. Nothing of the broker's state counts.
    """

    def __init__(self, _: BrokerState) -> None:
        pass

    def check_queues_in_rocksdb(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Say that the queues are being compared; how that ends stands in the log, as in Java."""
        topic = (request.ext_fields or {}).get("topic", "")
        logger.info("queues of %s: not in RocksDB, nothing to compare", printable(topic))
        body = CheckRocksdbCqWriteResult(check_status=IN_PROGRESS)
        return request.create_response(remark=NOT_SET, body=body.encode())

    def export_tables(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Say that the tables are exported: they are JSON files."""
        header = request.decode_header(ExportRocksDBConfigToJsonRequestHeader)
        for name in filter(None, header.config_type.split(";")):
            if name.strip().lower() not in EXPORTED:
                raise Reject(ResponseCode.SYSTEM_ERROR, f"Unknown config type: {name}")
        return request.create_response(remark="export done.")

    def min_broker_changed(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Hear which broker of the group acts as master; none does here but the master."""
        header = request.decode_header(NotifyMinBrokerIdChangeRequestHeader)
        if header.min_broker_id is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, "the custom field <minBrokerId> is null")
        logger.info("least broker id of the group: %s", header.min_broker_id)
        return request.create_response(remark=None)

    def epochs(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Refuse: only a controller gives masters their reigns."""
        raise Reject(ResponseCode.SYSTEM_ERROR, "this request only for controllerMode ")

    def role_changed(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Hear of a master that a controller has made; without one the role stays."""
        header = request.decode_header(NotifyBrokerRoleChangedRequestHeader)
        if request.body:
            SyncStateSet.decode(request.body)
        logger.warning(
            "told to follow master %s, id %s: there is no controller, the role stays",
            printable(header.master_address or ""),
            header.master_broker_id,
        )
        return request.create_response(remark=None)
