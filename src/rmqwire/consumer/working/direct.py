"""What an administrator is told of a message consumed at his wish (``consumeMessageDirectly``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.bodies import ConsumeMessageDirectlyResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.consumer.working.listener_call import Outcome


def direct_result(
    outcome: Outcome[Any],
    names: Mapping[Any, str],
    spent_ms: int,
    *,
    order: bool,
    auto_commit: bool,
) -> ConsumeMessageDirectlyResult:
    """Build the body of a CONSUME_MESSAGE_DIRECTLY answer.

    Args:
        outcome: what the listener said.
        names: Java's CMResult of each status.
        spent_ms: how long it took.
        order: whether the consumer is an orderly one.
        auto_commit: what the listener left that at.
    """
    if outcome.raised is not None:
        name = "CR_THROW_EXCEPTION"
    elif outcome.status is None:
        name = "CR_RETURN_NULL"
    else:
        name = names[outcome.status]
    return ConsumeMessageDirectlyResult(
        order=order,
        auto_commit=auto_commit,
        consume_result=name,
        remark=outcome.raised,
        spent_time_mills=spent_ms,
    )
