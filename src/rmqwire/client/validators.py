"""Names and messages a client may use (Java ``Validators``), refused in Java's words."""

from __future__ import annotations

from functools import lru_cache

from rmqwire.codec import message_const as const
from rmqwire.codec.names import (
    GROUP_MAX_LENGTH,
    NAME_PATTERN,
    NOT_ALLOWED_SEND_TOPICS,
    has_legal_characters,
)
from rmqwire.errors import UsageError

TOPIC_MAX_LENGTH = 127  # characters (Validators.TOPIC_MAX_LENGTH)
RESERVED_GROUPS = frozenset({const.DEFAULT_PRODUCER_GROUP, const.DEFAULT_CONSUMER_GROUP})


def check_topic(topic: str) -> None:
    """Refuse a name that no topic can have.

    Raises:
        UsageError: blank, over 127 characters, or other characters than ``%|a-zA-Z0-9_-``.
    """
    if not topic or topic.isspace():
        raise UsageError("The specified topic is blank")
    if len(topic) > TOPIC_MAX_LENGTH:
        raise UsageError(f"The specified topic is longer than topic max length {TOPIC_MAX_LENGTH}.")
    if not has_legal_characters(topic):
        raise UsageError(
            f"The specified topic[{topic}] contains illegal characters, "
            f"allowing only {NAME_PATTERN}"
        )


def check_group(group: str) -> None:
    """Refuse a name that no group can have.

    Raises:
        UsageError: blank, over 120 characters, or other characters than ``%|a-zA-Z0-9_-``.
    """
    if not group or group.isspace():
        raise UsageError("the specified group is blank")
    if len(group) > GROUP_MAX_LENGTH:
        raise UsageError(
            f"the specified group[{group}] is longer than group max length: {GROUP_MAX_LENGTH}."
        )
    if not has_legal_characters(group):
        raise UsageError(
            f"the specified group[{group}] contains illegal characters, "
            f"allowing only {NAME_PATTERN}"
        )


def check_own_group(group: str, reserved: str) -> None:
    """Refuse a bad group, and the default one that every program would share.

    Raises:
        UsageError: as said.
    """
    check_group(group)
    if group == reserved:
        raise UsageError(f"the group can not equal {reserved}, please specify another one.")


@lru_cache(maxsize=1024)  # what was refused isn't kept
def check_sent_topic(topic: str) -> None:
    """Refuse a topic that nothing can be sent to.

    Raises:
        UsageError: no topic's name, or a system topic.
    """
    check_topic(topic)
    if topic in NOT_ALLOWED_SEND_TOPICS:
        raise UsageError(f"Sending message to topic[{topic}] is forbidden.")


def check_message(topic: str, body: bytes, properties: dict[str, str], max_size: int) -> None:
    """Refuse a message that no broker takes.

    Args:
        topic: where to.
        body: the payload before compression.
        properties: system and user properties.
        max_size: most bytes of a body (``maxMessageSize``).

    Raises:
        UsageError: bad topic, system topic, empty or too large body, a path as queue name, a
            property that is no text.
    """
    check_payload(topic, body, properties, max_size)
    check_text(properties)


def check_payload(topic: str, body: bytes, properties: dict[str, str], max_size: int) -> None:
    """Do the same, but for the properties' being text.

    Raises:
        UsageError: as said.
    """
    check_sent_topic(topic)
    if not body:
        raise UsageError("the message body length is zero")
    if len(body) > max_size:
        raise UsageError(f"the message body size over max value, MAX: {max_size}")
    path = properties.get(const.PROPERTY_INNER_MULTI_DISPATCH)
    if path is not None and "/" in path:
        raise UsageError(f"INNER_MULTI_DISPATCH {path} can not contains / character")


def check_text(properties: dict[str, str]) -> None:
    """Refuse lone surrogates, which Python makes of bytes that are no UTF-8.

    Java would send a question mark for each, and nobody would find the message by its key.

    Raises:
        UsageError: there is one.
    """
    if "".join(properties.values()).isascii() and "".join(properties).isascii():
        return
    for name, value in properties.items():
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            raise UsageError(f"the property {name!r}={value!r} is not UTF-8") from None
