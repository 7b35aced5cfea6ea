"""What a listener is, gets and says (``MessageListenerConcurrently``, ``MessageListenerOrderly``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.client.message_ext import MessageExt

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


class ConsumeOrderlyStatus(Enum):
    """How consuming in order went.

    ROLLBACK and COMMIT are for listeners that set ``auto_commit`` to False: SUCCESS then consumes on
    without committing anything.
    """

    SUCCESS = "SUCCESS"
    ROLLBACK = "ROLLBACK"
    COMMIT = "COMMIT"
    SUSPEND_CURRENT_QUEUE_A_MOMENT = "SUSPEND_CURRENT_QUEUE_A_MOMENT"


@dataclass(slots=True)
class ConsumeOrderlyContext:
    """One call of an orderly listener, for those that take a second argument.

    Args:
        message_queue: where the messages are from.
        auto_commit: whether SUCCESS commits.
        suspend_current_queue_time_millis: ms until messages come again that could not be consumed,
            10 to 30,000; -1 for the consumer's setting.
    """

    message_queue: MessageQueue
    auto_commit: bool = True
    suspend_current_queue_time_millis: int = -1


ConcurrentResult: TypeAlias = ConsumeStatus | None
OrderlyResult: TypeAlias = ConsumeOrderlyStatus | None
ConcurrentListener: TypeAlias = (
    Callable[[list[MessageExt]], ConcurrentResult | Awaitable[ConcurrentResult]]
    | Callable[
        [list[MessageExt], ConsumeConcurrentlyContext],
        ConcurrentResult | Awaitable[ConcurrentResult],
    ]
)
Listener: TypeAlias = (
    ConcurrentListener
    | Callable[[list[MessageExt]], OrderlyResult | Awaitable[OrderlyResult]]
    | Callable[[list[MessageExt], ConsumeOrderlyContext], OrderlyResult | Awaitable[OrderlyResult]]
)
