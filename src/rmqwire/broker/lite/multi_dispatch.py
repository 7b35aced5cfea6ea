"""A message to a lite topic says itself into which light queue it goes, too (``SendMessageProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.lite_topic import lmq_name, name_fault
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_light_queue(topic: str, properties: Mapping[str, str]) -> dict[str, str] | None:
    """Return the properties of a send with the light queue of its lite topic.

    Args:
        topic: the topic that it names.
        properties: its own and the broker's, in the order of Java's puts.

    Returns:
        None if it is for no lite topic.

    Raises:
        Reject: MESSAGE_ILLEGAL: nobody could read a message of that name. Java stores it.
    """
    lite_topic = properties.get(const.PROPERTY_LITE_TOPIC)
    if not lite_topic:
        return None
    fault = name_fault(topic, lite_topic)
    if fault is not None:
        raise Reject(ResponseCode.MESSAGE_ILLEGAL, fault)
    named = {name: value for name, value in properties.items() if name != const.PROPERTY_CLUSTER}
    named[const.PROPERTY_INNER_MULTI_DISPATCH] = lmq_name(topic, lite_topic)
    return named | {const.PROPERTY_CLUSTER: properties[const.PROPERTY_CLUSTER]}
