"""What a listener is and says (Java ``MessageListenerConcurrently``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum

from rmqwire.consumer.message_ext import MessageExt


class ConsumeStatus(Enum):
    """How consuming went (``ConsumeConcurrentlyStatus``)."""

    CONSUME_SUCCESS = "CONSUME_SUCCESS"
    RECONSUME_LATER = "RECONSUME_LATER"


ListenerResult = ConsumeStatus | None
Listener = Callable[[list[MessageExt]], ListenerResult | Awaitable[ListenerResult]]
