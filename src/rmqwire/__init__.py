"""Apache RocketMQ's broker, name server and clients in Python, on trio.

The rooms, top to bottom (each imports only what lies below it)::

    cli                                    entry points
    aio | blocking                         the clients for asyncio and for threads
    testing | otel                         a broker in every test; spans of what is sent and consumed
    bridge                                 the background thread of both
    admin | inspector                      administrators' requests; reading store files on disk
    broker | namesrv | consumer
    producer
    ha | client                            replication, routes and typed calls
    store | remoting                       files, connections
    auth                                   accounts, permissions, signatures
    codec                                  bytes <-> values: no I/O, no clock, no trio
    broker_errors | errors                 one class per response code, the exception tree

The names a program needs are here; each loads its room when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.auth.credentials import Credentials
    from rmqwire.client.client import Client
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.message_queries import QueryResult
    from rmqwire.client.mq_admin import MQAdmin
    from rmqwire.codec.allocation import allocate_averagely, allocate_averagely_by_circle
    from rmqwire.codec.bodies import MessageQueue, OffsetOption
    from rmqwire.codec.message import Message
    from rmqwire.codec.release import V4_9_7, V5_5_0, V5_5_1, Release
    from rmqwire.consumer.config import ConsumeFromWhere, MessageModel
    from rmqwire.consumer.dedupe import Dedupe, MemoryDedupe, SqliteDedupe
    from rmqwire.consumer.delivery import Delivery, DeliveryBatch
    from rmqwire.consumer.group.allocate import (
        allocate_by_config,
        allocate_by_consistent_hash,
        allocate_by_machine_room,
        allocate_machine_room_nearby,
    )
    from rmqwire.consumer.hooks import ConsumeContext, ConsumeHook
    from rmqwire.consumer.listener import (
        ConsumeConcurrentlyContext,
        ConsumeOrderlyContext,
        ConsumeOrderlyStatus,
        ConsumeStatus,
    )
    from rmqwire.consumer.lite_pull import LitePullConsumer
    from rmqwire.consumer.lite_push import LitePushConsumer
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.pull import PullConsumer
    from rmqwire.consumer.push import PushConsumer
    from rmqwire.consumer.reading.pull_result import PullResult, PullStatus
    from rmqwire.consumer.selector import MessageSelector
    from rmqwire.consumer.working.pull_tasks import PullTaskContext
    from rmqwire.errors import (
        BrokerError,
        ConnectFailed,
        RemotingError,
        RemotingTimeout,
        RequestTimeout,
        RmqError,
        RouteNotFound,
        SendFailed,
        UsageError,
    )
    from rmqwire.producer.hooks import SendContext, SendHook, Sending
    from rmqwire.producer.producer import Producer
    from rmqwire.producer.request_reply import reply_to
    from rmqwire.producer.results import SendResult, SendStatus
    from rmqwire.producer.selector import (
        select_by_hash,
        select_by_machine_room,
        select_by_random,
    )
    from rmqwire.producer.send_soon import SendHandle
    from rmqwire.producer.transaction import (
        Transaction,
        TransactionProducer,
        TransactionSendResult,
    )
    from rmqwire.producer.transaction_check import LocalTransactionState
    from rmqwire.settings.tls import ClientTls

__version__ = "0.1.0"

_HOME = {
    "BrokerError": "rmqwire.errors",
    "Client": "rmqwire.client.client",
    "ClientTls": "rmqwire.settings.tls",
    "ConnectFailed": "rmqwire.errors",
    "ConsumeContext": "rmqwire.consumer.hooks",
    "ConsumeHook": "rmqwire.consumer.hooks",
    "Dedupe": "rmqwire.consumer.dedupe",
    "MemoryDedupe": "rmqwire.consumer.dedupe",
    "SqliteDedupe": "rmqwire.consumer.dedupe",
    "SendContext": "rmqwire.producer.hooks",
    "SendHook": "rmqwire.producer.hooks",
    "Sending": "rmqwire.producer.hooks",
    "ConsumeConcurrentlyContext": "rmqwire.consumer.listener",
    "ConsumeFromWhere": "rmqwire.consumer.config",
    "ConsumeOrderlyContext": "rmqwire.consumer.listener",
    "ConsumeOrderlyStatus": "rmqwire.consumer.listener",
    "ConsumeStatus": "rmqwire.consumer.listener",
    "Credentials": "rmqwire.auth.credentials",
    "Delivery": "rmqwire.consumer.delivery",
    "DeliveryBatch": "rmqwire.consumer.delivery",
    "LocalTransactionState": "rmqwire.producer.transaction_check",
    "LitePullConsumer": "rmqwire.consumer.lite_pull",
    "LitePushConsumer": "rmqwire.consumer.lite_push",
    "Message": "rmqwire.codec.message",
    "MQAdmin": "rmqwire.client.mq_admin",
    "MessageExt": "rmqwire.client.message_ext",
    "MessageModel": "rmqwire.consumer.config",
    "MessageQueue": "rmqwire.codec.bodies",
    "MessageSelector": "rmqwire.consumer.selector",
    "OffsetStore": "rmqwire.consumer.offsets.table",
    "OffsetOption": "rmqwire.codec.bodies",
    "Producer": "rmqwire.producer.producer",
    "PullConsumer": "rmqwire.consumer.pull",
    "PullResult": "rmqwire.consumer.reading.pull_result",
    "PullStatus": "rmqwire.consumer.reading.pull_result",
    "PullTaskContext": "rmqwire.consumer.working.pull_tasks",
    "PushConsumer": "rmqwire.consumer.push",
    "QueryResult": "rmqwire.client.message_queries",
    "Release": "rmqwire.codec.release",
    "RemotingError": "rmqwire.errors",
    "RemotingTimeout": "rmqwire.errors",
    "RequestTimeout": "rmqwire.errors",
    "RmqError": "rmqwire.errors",
    "RouteNotFound": "rmqwire.errors",
    "SendFailed": "rmqwire.errors",
    "SendHandle": "rmqwire.producer.send_soon",
    "SendResult": "rmqwire.producer.results",
    "SendStatus": "rmqwire.producer.results",
    "Transaction": "rmqwire.producer.transaction",
    "TransactionProducer": "rmqwire.producer.transaction",
    "TransactionSendResult": "rmqwire.producer.transaction",
    "UsageError": "rmqwire.errors",
    "V4_9_7": "rmqwire.codec.release",
    "V5_5_0": "rmqwire.codec.release",
    "V5_5_1": "rmqwire.codec.release",
    "allocate_averagely": "rmqwire.codec.allocation",
    "allocate_averagely_by_circle": "rmqwire.codec.allocation",
    "allocate_by_config": "rmqwire.consumer.group.allocate",
    "allocate_by_consistent_hash": "rmqwire.consumer.group.allocate",
    "allocate_by_machine_room": "rmqwire.consumer.group.allocate",
    "allocate_machine_room_nearby": "rmqwire.consumer.group.allocate",
    "reply_to": "rmqwire.producer.request_reply",
    "select_by_hash": "rmqwire.producer.selector",
    "select_by_machine_room": "rmqwire.producer.selector",
    "select_by_random": "rmqwire.producer.selector",
}

__all__ = [
    "V4_9_7",
    "V5_5_0",
    "V5_5_1",
    "BrokerError",
    "Client",
    "ClientTls",
    "ConnectFailed",
    "ConsumeConcurrentlyContext",
    "ConsumeContext",
    "ConsumeFromWhere",
    "ConsumeHook",
    "ConsumeOrderlyContext",
    "ConsumeOrderlyStatus",
    "ConsumeStatus",
    "Credentials",
    "Dedupe",
    "Delivery",
    "DeliveryBatch",
    "LitePullConsumer",
    "LitePushConsumer",
    "LocalTransactionState",
    "MQAdmin",
    "MemoryDedupe",
    "Message",
    "MessageExt",
    "MessageModel",
    "MessageQueue",
    "MessageSelector",
    "OffsetOption",
    "OffsetStore",
    "Producer",
    "PullConsumer",
    "PullResult",
    "PullStatus",
    "PullTaskContext",
    "PushConsumer",
    "QueryResult",
    "Release",
    "RemotingError",
    "RemotingTimeout",
    "RequestTimeout",
    "RmqError",
    "RouteNotFound",
    "SendContext",
    "SendFailed",
    "SendHandle",
    "SendHook",
    "SendResult",
    "SendStatus",
    "Sending",
    "SqliteDedupe",
    "Transaction",
    "TransactionProducer",
    "TransactionSendResult",
    "UsageError",
    "allocate_averagely",
    "allocate_averagely_by_circle",
    "allocate_by_config",
    "allocate_by_consistent_hash",
    "allocate_by_machine_room",
    "allocate_machine_room_nearby",
    "reply_to",
    "select_by_hash",
    "select_by_machine_room",
    "select_by_random",
]


def __getattr__(name: str) -> object:
    """Load an exported name from its room."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
