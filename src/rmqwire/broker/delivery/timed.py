"""Turn a message with a time of its own into one that waits for it (``HookUtils.transformTimerMessage``).

Three properties set the time, the first that is there wins: TIMER_DELAY_SEC, TIMER_DELAY_MS (both
from now on), TIMER_DELIVER_MS (since the epoch). The message waits in the queue of
``rmq_sys_wheel_timer`` under TIMER_OUT_MS, the last tick that begins before its time: that tick is
delivered when it's over, up to one tick late and never early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.errors import EvaluationError
from rmqwire.filter.java_number import parse_long
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from rmqwire.codec.release import Release
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.results import MessageInner

TOPIC = const.TIMER_TOPIC
DELIVERY_PROPERTIES = (
    128  # bytes that the delivery adds: TIMER_ENQUEUE_MS, _DEQUEUE_MS, _ROLL_TIMES
)


def deliver_time_ms(properties: Mapping[str, str], now_ms: int) -> int:
    """Return when a message asks to be delivered, ms since the epoch.

    Raises:
        EvaluationError: what it says is no number.
    """
    seconds = properties.get(const.PROPERTY_TIMER_DELAY_SEC)
    if seconds is not None:
        return now_ms + parse_long(seconds) * 1000
    millis = properties.get(const.PROPERTY_TIMER_DELAY_MS)
    if millis is not None:
        return now_ms + parse_long(millis)
    return parse_long(properties[const.PROPERTY_TIMER_DELIVER_MS])


def tick_before(deliver_ms: int, precision_ms: int) -> int:
    """Return TIMER_OUT_MS: the beginning of the last tick that begins before a time."""
    return (deliver_ms - 1) // precision_ms * precision_ms


def make_timed(
    message: MessageInner,
    properties: dict[str, str],
    out_ms: int,
    release: Release,
) -> None:
    """Let a message wait for a tick.

    Args:
        message: topic, queue and properties are replaced.
        properties: its properties, in the order of Java's puts; three are added here.
        out_ms: beginning of the tick.
        release: whose property order is kept.

    Raises:
        Reject: MESSAGE_ILLEGAL: its properties would be too long when it's delivered.
    """
    properties[const.PROPERTY_TIMER_OUT_MS] = str(out_ms)
    properties[const.PROPERTY_REAL_TOPIC] = message.topic
    properties[const.PROPERTY_REAL_QUEUE_ID] = str(message.queue_id)
    message.properties = write_properties(properties, release)
    if len(message.properties) > MAX_PROPERTIES_LENGTH - DELIVERY_PROPERTIES:
        raise Reject(
            ResponseCode.MESSAGE_ILLEGAL,
            f"the properties of a timer message are too long: {len(message.properties)} bytes, "
            f"{DELIVERY_PROPERTIES} are added when it's delivered",
        )
    message.topic = TOPIC
    message.queue_id = 0


def due_time_ms(properties: Mapping[str, str], now_ms: int, max_delay_sec: int) -> int | None:
    """Return when a message is to be delivered; None: at once, the time has come already.

    Args:
        properties: of the message.
        now_ms: wall clock.
        max_delay_sec: timerMaxDelaySec.

    Raises:
        Reject: MESSAGE_ILLEGAL: no number, too far away, or of a message that would take out another
            one when its time has come already.
    """
    try:
        deliver_ms = deliver_time_ms(properties, now_ms)
    except EvaluationError:
        raise _illegal(max_delay_sec) from None
    if deliver_ms > now_ms:
        if deliver_ms - now_ms > max_delay_sec * 1000:
            raise _illegal(max_delay_sec)
        return deliver_ms
    if const.PROPERTY_TIMER_DEL_UNIQKEY in properties:
        raise _illegal(max_delay_sec)
    return None


def _illegal(max_delay_sec: int) -> Reject:
    return Reject(
        ResponseCode.MESSAGE_ILLEGAL,
        "timer message illegal, the delay time should not be bigger than the max delay "
        f"{max_delay_sec * 1000}ms; or if set del msg, the delay time should be bigger than the "
        "current time",
    )


def check_congestion(waiting: int, config: StoreConfig, rng: Random) -> None:
    """Refuse a message for a tick for which too many wait already (``isReject``).

    Args:
        waiting: how many do.
        config: timerCongestNumEachSlot.
        rng: between once and twice that number it decides.

    Raises:
        Reject: SYSTEM_ERROR: refused; the sender may try again.
    """
    limit = config.timer_congest_num_each_slot
    if waiting <= limit:
        return
    passes = rng.randrange(1000) <= 1000 * (waiting - limit) / (limit + 0.1)
    if waiting >= limit * 2 or not passes:
        raise Reject(
            ResponseCode.SYSTEM_ERROR,
            "timer message is under flow control, max num limit is "
            f"{limit * 2} or the current value is greater than {limit} and less than {limit * 2}, "
            "trigger random flow control",
        )
