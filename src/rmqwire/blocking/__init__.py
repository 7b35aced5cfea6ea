"""The clients for plain threads: the trio classes' names, arguments and results, without ``await``.

::

    from rmqwire.blocking import Message, Producer

    with Producer("group", namesrv_addr="127.0.0.1:9876") as producer:
        result = producer.send(Message("topic", b"body"), timeout=5)

All of a process run in one background thread, which is started by the first and ends with the
process. Any thread may use them. Listeners are called in worker threads, so they may block. Each
waiting method takes ``timeout`` in seconds and then raises ``TimeoutError``; what was written is not
unsent by that. After a fork producers open anew in the child, consumers raise ``ForkedError``.
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
from rmqwire.blocking.faces import (
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
