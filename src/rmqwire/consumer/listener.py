"""What a listener is, gets and says (``MessageListenerConcurrently``, ``MessageListenerOrderly``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.consumer.message_ext import MessageExt

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue

ALL_OF_THEM = 0x7FFFFFFF


class ConsumeStatus(Enum):
    """How consuming went (``ConsumeConcurrentlyStatus``)."""

    CONSUME_SUCCESS = "CONSUME_SUCCESS"
    RECONSUME_LATER = "RECONSUME_LATER"


@dataclass(slots=True)
class ConsumeConcurrentlyContext:
    """One call of a listener, for those that take a second argument.

    Args:
        message_queue: where the messages are from.
        delay_level_when_next_consume: when what failed comes again: a delay level, 0 to leave it to
            the broker (3 + deliveries), -1 for the dead letters at once.
        ack_index: index of the last message consumed; those behind it come again, though the
            listener returns CONSUME_SUCCESS.
    """

    message_queue: MessageQueue
    delay_level_when_next_consume: int = 0
    ack_index: int = ALL_OF_THEM


ListenerResult: TypeAlias = ConsumeStatus | None
Listener: TypeAlias = (
    Callable[[list[MessageExt]], ListenerResult | Awaitable[ListenerResult]]
    | Callable[
        [list[MessageExt], ConsumeConcurrentlyContext], ListenerResult | Awaitable[ListenerResult]
    ]
)
