"""The clients for asyncio: the trio classes' names, arguments and results.

::

    from rmqwire.aio import Message, Producer

    async with Producer("group", namesrv_addr="127.0.0.1:9876") as producer:
        result = await producer.send(Message("topic", b"body"), timeout=5)

All of a process run in one background thread, which is started by the first and ends with the
process. Listeners, plain or async, are called in the loop that entered the consumer, with the context
variables of whoever subscribed. Each waiting method takes ``timeout`` in seconds and then raises
``TimeoutError``; what was written is not unsent by that. After a fork all raise ``ForkedError``.
"""

from rmqwire import (
    ConsumeConcurrentlyContext,
    ConsumeFromWhere,
    ConsumeOrderlyContext,
    ConsumeOrderlyStatus,
    ConsumeStatus,
    LocalTransactionState,
    Message,
    MessageExt,
    MessageModel,
    MessageQueue,
    MessageSelector,
    OffsetOption,
    SendResult,
    SendStatus,
)
from rmqwire.aio.faces import (
    Client,
    LitePullConsumer,
    LitePushConsumer,
    MQAdmin,
    Producer,
    PullConsumer,
    PushConsumer,
    TransactionProducer,
)

__all__ = [
    "Client",
    "ConsumeConcurrentlyContext",
    "ConsumeFromWhere",
    "ConsumeOrderlyContext",
    "ConsumeOrderlyStatus",
    "ConsumeStatus",
    "LitePullConsumer",
    "LitePushConsumer",
    "LocalTransactionState",
    "MQAdmin",
    "Message",
    "MessageExt",
    "MessageModel",
    "MessageQueue",
    "MessageSelector",
    "OffsetOption",
    "Producer",
    "PullConsumer",
    "PushConsumer",
    "SendResult",
    "SendStatus",
    "TransactionProducer",
]
