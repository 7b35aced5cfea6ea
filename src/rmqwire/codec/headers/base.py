"""What every typed header can do. RocketMQ: ``CommandCustomHeader``, ``FastCodesHeader``.

A header is a set of text fields on the wire (``RemotingCommand.ext_fields``) and a typed class here.
Attributes are the Java names in snake case; a required field (a ``CFNotNull`` object) has no default; one
that may be absent is None; a Java primitive is 0 or False.

Java collects the fields in a HashMap, so their order follows from the hashes of the names and from
how many are set: ``encode`` gives that order, byte for byte. The few fast classes write themselves in
an order of their own in the ROCKETMQ serialisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import msgspec

from rmqwire.codec.java_map import bucket, grown
from rmqwire.codec.java_types import Int, Long
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Header", "HeaderPlan", "Int", "Long", "needed", "plan_of"]

_Fields = tuple[tuple[int, str], ...]  # (index in the struct, wire name) of each field
_convert = msgspec.convert
_values = msgspec.structs.astuple


class Header(msgspec.Struct, kw_only=True, rename="camel", gc=False):
    """Base of the typed headers.

    ``java_insertion`` and ``fast_order`` hold blank-separated wire names: the order in which Java
    fills its map, given where it shows, and the order of a FastCodesHeader.
    """

    java_insertion: ClassVar[str] = ""
    fast_order: ClassVar[str] = ""

    @classmethod
    def decode(cls, ext_fields: Mapping[str, str] | None, *, empty_is_none: bool = False) -> Self:
        """Read the header from text fields (Java ``decodeCommandCustomHeader``).

        Fields it does not know are skipped. A number that is none counts as absent, as in Java,
        whose reader logs it and goes on. Beyond Java's spellings a whole number may be written
        ``5.0`` or ``5e0``.

        Args:
            ext_fields: None counts as empty.
            empty_is_none: an empty value means an absent one, as in the ROCKETMQ serialisation.

        Raises:
            BadHeader: a required field is missing or can't be read; Java goes on with null there
                and answers NullPointerException.
        """
        if ext_fields is None:
            ext_fields = {}
        elif empty_is_none and "" in ext_fields.values():
            ext_fields = {name: text for name, text in ext_fields.items() if text}
        try:
            header = _convert(ext_fields, cls, strict=False)
        except (msgspec.ValidationError, ValueError):
            return _decode_by_field(cls, ext_fields)
        for attribute, wire in plan_of(cls).flags:
            if ext_fields.get(wire) == "1":  # Java knows no true but "true"
                setattr(header, attribute, False)
        return header

    def encode(self, *, fast: bool = False) -> dict[str, str]:
        """Write the set fields as text, in the order of Java.

        Args:
            fast: the order, and the choice of fields, of the ROCKETMQ serialisation.
        """
        plan, values = plan_of(type(self)), _values(self)
        order = (fast and plan.fast) or plan.order(len(values) - values.count(None))
        texts: dict[str, str] = {}
        for index, wire in order:
            value = values[index]
            if value.__class__ is str:
                texts[wire] = value
            elif value is True or value is False:
                texts[wire] = "true" if value else "false"
            elif value is not None:
                texts[wire] = str(value)
        return texts


H = TypeVar("H", bound=Header)
V = TypeVar("V")


def needed(value: V | None, wire: str) -> V:
    """Return the value of a field that only some requests of its kind must have.

    Raises:
        BadHeader: this one is without.
    """
    if value is None:
        raise BadHeader(f"the custom field <{wire}> is null")
    return value


class HeaderPlan:
    """What is worked out once per header class: its fields and their orders.

    Args:
        cls: the header class.
    """

    __slots__ = ("_inserted", "_orders", "fast", "flags")

    def __init__(self, cls: type[Header]) -> None:
        places = {wire: index for index, wire in enumerate(cls.__struct_encode_fields__)}
        inherited = _inherited_fields(cls)
        insertion = cls.java_insertion.split() or sorted(places, key=inherited.__contains__)
        self._inserted: _Fields = tuple(
            (places[wire], wire)
            for wire in (*insertion, *(wire for wire in places if wire not in insertion))
        )
        self.fast: _Fields = tuple((places[wire], wire) for wire in cls.fast_order.split())
        self.flags: tuple[tuple[str, str], ...] = tuple(  # attribute, wire name
            (field.name, field.encode_name)
            for field in msgspec.structs.fields(cls)
            if field.type in (bool, bool | None)
        )
        self._orders: dict[int, _Fields] = {}

    def order(self, count: int) -> _Fields:
        """Return the fields as a Java HashMap that has grown for ``count`` of them walks over them."""
        order = self._orders.get(count)
        if order is None:
            capacity = grown(16, count)
            order = tuple(sorted(self._inserted, key=lambda field: bucket(field[1], capacity)))
            self._orders[count] = order
        return order


_plans: dict[type[Header], HeaderPlan] = {}


def plan_of(cls: type[Header]) -> HeaderPlan:
    """Return the plan of a header class, made at its first use."""
    plan = _plans.get(cls)
    if plan is None:
        plan = _plans[cls] = HeaderPlan(cls)
    return plan


def _inherited_fields(cls: type[Header]) -> set[str]:
    (parent,) = cls.__bases__
    return set(getattr(parent, "__struct_encode_fields__", ()))


def _decode_by_field(cls: type[H], ext_fields: Mapping[str, str]) -> H:
    """Read field by field under Java's rules: returns the header, or the error in Java's words."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(cls):
        text = ext_fields.get(field.encode_name)
        value = None if text is None else _value(field.type, text)
        if value is not None:
            values[field.name] = value
        elif field.required:
            fault = "null" if text is None else f"not a number: {text[:60]!r}"
            raise BadHeader(f"the custom field <{field.encode_name}> is {fault}")
    return cls(**values)


def _value(kind: object, text: str) -> object:
    """Return the value of a text; None: it is no number of that size."""
    if kind in (bool, bool | None):
        return text.lower() == "true"
    if kind in (str, str | None):
        return text
    return java_integer(text, 2**63 if kind in _LONG_TYPES else 2**31)


def java_integer(text: str, limit: int = 2**63) -> int | None:
    """Return the number that ``Long.parseLong`` gives; None: it is none of that size.

    Args:
        text: decimal, with or without a sign.
        limit: numbers are below it, and not below its negative.
    """
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if digits.isdecimal() and len(digits) < 100:
        value = int(text)
        if -limit <= value < limit:
            return value
    return None


_LONG_TYPES = (Long, Long | None)
