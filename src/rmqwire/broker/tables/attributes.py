"""Attributes of topics and groups, and the rules for changing them (RIP-28, RocketMQ 5.x).

Java ``TopicAttributes``, ``SubscriptionGroupAttributes`` and ``AttributeUtil``. A change comes as
keys with a sign: ``+key`` sets a value, ``-key`` removes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONG_MAX: Final = 2**63 - 1


class Attribute(msgspec.Struct, frozen=True):
    """One attribute that may be set.

    Args:
        name: its key.
        changeable: it may be changed after the creation.
        values: the words it may have.
        bounds: smallest and largest whole number; neither words nor bounds: any text.
        boolean: true or false, in any case.
    """

    name: str
    changeable: bool = True
    values: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    boolean: bool = False

    def verify(self, value: str) -> None:
        """Check a value.

        Raises:
            UsageError: it's none of the attribute's, with Java's words.
        """
        if self.boolean and value.lower() not in ("true", "false"):
            raise UsageError("boolean attribute format is wrong.")
        if self.values and value not in self.values:
            raise UsageError(f"value is not in set: [{', '.join(self.values)}]")
        if self.bounds is not None:
            self._verify_number(value, *self.bounds)

    def _verify_number(self, value: str, low: int, high: int) -> None:
        try:
            number = int(value)
        except ValueError:
            raise UsageError(f'For input string: "{value}"') from None
        if not low <= number <= high:
            raise UsageError(f"value is not in range({low}, {high})")


_MESSAGE_TYPES: Final = (
    "UNSPECIFIED",
    "NORMAL",
    "FIFO",
    "DELAY",
    "TRANSACTION",
    "MIXED",
    "LITE",
    "PRIORITY",
)
TOPIC_ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    attribute.name: attribute
    for attribute in (
        Attribute("queue.type", changeable=False, values=("BatchCQ", "SimpleCQ")),
        Attribute("cleanup.policy", changeable=False, values=("DELETE", "COMPACTION")),
        Attribute("message.type", values=_MESSAGE_TYPES),
        Attribute("reserve.time", bounds=(-1, _LONG_MAX)),
        Attribute("lite.topic.expiration", bounds=(-1, 43_200)),
    )
}
GROUP_ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    attribute.name: attribute
    for attribute in (
        Attribute("priority.factor", bounds=(0, 100)),
        Attribute("lite.bind.topic"),
        Attribute("lite.sub.model", values=("Shared", "Exclusive")),
        Attribute("lite.sub.wildcard"),
        Attribute("lite.sub.client.quota", bounds=(-1, _LONG_MAX)),
        Attribute("lite.sub.client.max.event.cnt", bounds=(10, _LONG_MAX)),
        Attribute("lite.sub.reset.offset.exclusive", boolean=True),
        Attribute("lite.sub.reset.offset.unsubscribe", boolean=True),
    )
}


def parse_attributes(text: str | None) -> dict[str, str]:
    """Read ``+key=value,-key`` as mqadmin sends it (``AttributeParser.parseToMap``).

    Raises:
        UsageError: the text isn't such a list, with Java's words.
    """
    result: dict[str, str] = {}
    if not text:
        return result
    for entry in text.split(","):
        key, sign, value = entry.partition("=")
        if sign:
            if not key.startswith("+"):
                raise UsageError("add/alter attribute format is wrong: " + key)
        elif not key.startswith("-"):
            raise UsageError("delete attribute format is wrong: " + key)
        if key in result:
            raise UsageError("key duplication: " + key)
        result[key] = value
    return result


def alter_attributes(
    known: Mapping[str, Attribute],
    current: Mapping[str, str] | None,
    changes: Mapping[str, str],
) -> dict[str, str]:
    """Apply signed changes to the current attributes (``alterCurrentAttributes``).

    Args:
        known: the attributes there are.
        current: the attributes now; None when the topic or group is being created.
        changes: ``+key`` -> value to set, ``-key`` -> anything to remove.

    Raises:
        UsageError: a change isn't allowed, with Java's words.
    """
    result = dict(current or {})
    seen: set[str] = set()
    for signed, value in changes.items():
        key = _real_key(signed, seen)
        _check_sign(signed, key, current)
        attribute = known.get(key)
        if attribute is None:
            raise UsageError("unsupported key: " + key)
        if current is not None and not attribute.changeable:
            raise UsageError("attempt to update an unchangeable attribute. key: " + key)
        if signed.startswith("-"):
            del result[key]
        else:
            attribute.verify(value)
            result[key] = value
    return result


def _real_key(signed: str, seen: set[str]) -> str:
    key = signed[1:]
    if not key or "+" in key or "-" in key:
        raise UsageError("kv string format wrong.")
    if key in seen:
        raise UsageError("alter duplication key. key: " + key)
    seen.add(key)
    return key


def _check_sign(signed: str, key: str, current: Mapping[str, str] | None) -> None:
    if current is None:
        if not signed.startswith("+"):
            raise UsageError("only add attribute is supported while creating topic. key: " + key)
    elif signed.startswith("-"):
        if key not in current:
            raise UsageError("attempt to delete a nonexistent key: " + key)
    elif not signed.startswith("+"):
        raise UsageError("wrong format key: " + key)
