"""How numbers, booleans, enums and text are read from the values of a JSON text: fastjson's leniency.

Run on the jars of both releases, every shape in every field (``interop/test_json_reading.py``):

=======  ===========================================================================================
type     what is taken besides the plain spelling
=======  ===========================================================================================
number   in quotes, with a sign, leading zeros, commas, a fraction or an exponent; what is behind the
         point is cut off; true and false are 1 and 0; a list of one is its item
boolean  1 and 0; in quotes true and false in any case, 1, 0, Y, y, T, N, F, f; other numbers are false
enum     the ordinal; the name in any case; a name that is none is null
text     numbers and booleans as they are spelled, objects and lists as their JSON text
null     so are "" and "null" where no text is wanted: the field stays as it was made
=======  ===========================================================================================

Where one release takes what the other refuses, it is taken. Where they make different values of the
same text, the release decides: its fastjson is 1 (4.9.7) or 2 (5.5.0).
"""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rmqwire.codec import java_json
from rmqwire.codec.java_map import in_hash_map_order
from rmqwire.codec.json_reader import JsonValue, Spelled
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import BadField

if TYPE_CHECKING:
    from collections.abc import Callable

KEEP: Final = object()  # null: the field stays as it was made
MAX_SHOWN: Final = 60  # characters of a value in an error

_BOOLEAN_TEXTS: Final = {
    **dict.fromkeys(("1", "Y", "y", "T"), True),
    **dict.fromkeys(("0", "N", "F", "f"), False),
}
_NUMBER_TEXT = re.compile(r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
_SKIPPED = re.compile(r"([-_ ])(?!\1|$)")  # by fastjson 2 in the name of an enum


def shape(value: JsonValue) -> str:
    """Return in words what a value is, with at most ``MAX_SHOWN`` characters of it."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = str(value)
    shown = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
    if isinstance(value, bool):
        return shown.lower()
    return f"the text {shown!r}" if is_text(value) else f"the number {shown}"


def is_text(value: JsonValue) -> bool:
    """Return whether a value stood in quotes."""
    return isinstance(value, str) and not isinstance(value, Spelled)


def is_null(value: JsonValue) -> bool:
    """Return whether a value is null for a type that is no text."""
    return value is None or (is_text(value) and value in {"", "null"})


def is_null_scalar(value: JsonValue) -> bool:
    """Return the same for numbers and booleans."""
    return value == "NULL" or is_null(value)


def is_one(value: JsonValue) -> bool:
    """Return whether a value is a list of one item."""
    return isinstance(value, list) and len(value) == 1


# ---- numbers and booleans ---------------------------------------------------------------------


def read_whole(value: JsonValue, bits: int) -> object:
    """Read a number of 32 or 64 bits; one with a fraction loses the bits beyond.

    Raises:
        BadField: no number, or a whole one of more bits.
    """
    if is_null_scalar(value):
        return KEEP
    if is_one(value) and _may_be_number(value[0]):
        return read_whole(value[0], bits)
    if isinstance(value, dict) and bits == 32:
        return 0
    number = _number_in_quotes(value) if is_text(value) else value
    limit = 1 << (bits - 1)
    if isinstance(number, Spelled):
        whole = _cut_off(number)
        if whole is not None:
            return (whole + limit) % (2 * limit) - limit
    elif isinstance(number, int) and -limit <= number < limit:
        return int(number)
    raise BadField(shape(value), f"a number of {bits} bits")


def _may_be_number(value: JsonValue) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _number_in_quotes(text: str) -> JsonValue:
    """Return the number or boolean that a text stands for, or the text itself."""
    if text in {"true", "false"}:
        return text == "true"
    if len(text) > MAX_SHOWN or not text.isascii() or not _NUMBER_TEXT.fullmatch(text):
        return text
    plain = text.replace(",", "")
    return Spelled(plain) if set(plain) & set(".eE") else int(plain)


def _cut_off(number: Spelled) -> int | None:
    """Return a number without its fraction; None when it has more than 100 digits."""
    value = Decimal(number)
    return int(value) if value.adjusted() < 100 else None


def read_double(value: JsonValue) -> object:
    """Read a floating point number.

    Raises:
        BadField: no number.
    """
    if is_null_scalar(value):
        return KEEP
    if value in ([], {}):
        return 0.0
    if is_one(value) and _may_be_number(value[0]):
        return read_double(value[0])
    number = value
    if is_text(value) and value.strip(" ") not in {"true", "false"}:
        number = _number_in_quotes(value.strip(" "))
    elif is_text(value):
        number = _number_in_quotes(value)
    if isinstance(number, (int, Spelled)):
        return float(number)
    raise BadField(shape(value), "a number")


def read_boolean(value: JsonValue, fastjson: int) -> object:
    """Read a boolean.

    Raises:
        BadField: none.
    """
    if is_null_scalar(value):
        return KEEP
    if isinstance(value, Spelled):
        return fastjson == 1 and _cut_off(value) == 1
    if isinstance(value, int):
        return value == 1 or (fastjson == 2 and value == -1)
    if is_text(value) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if is_text(value) and value in _BOOLEAN_TEXTS:
        return _BOOLEAN_TEXTS[value]
    raise BadField(shape(value), "a boolean")


# ---- enums ------------------------------------------------------------------------------------


def enum_reader(names: tuple[str, ...], fastjson: int) -> Callable[[JsonValue], object]:
    """Return the reader of an enum.

    Args:
        names: the constants in the order of their ordinals.
        fastjson: 2 also takes an ordinal in quotes, and skips ``-``, ``_`` and blanks in a name.
    """
    expected = f"one of {', '.join(names)}"
    by_name = {_enum_name(name, fastjson): name for name in names}

    def named(text: str) -> object:
        if fastjson == 2 and text.isascii() and text.lstrip("+-").isdigit() and len(text) < 9:
            ordinal = int(text)
            return names[ordinal] if 0 <= ordinal < len(names) else KEEP
        return by_name.get(_enum_name(text, fastjson), KEEP)

    def read(value: JsonValue) -> object:
        if value is None:
            return KEEP
        if is_text(value):
            return named(value)
        ordinal = _cut_off(value) if isinstance(value, Spelled) else value
        if isinstance(ordinal, int) and not isinstance(ordinal, bool) and 0 <= ordinal < len(names):
            return names[ordinal]
        raise BadField(shape(value), expected)

    return read


def _enum_name(text: str, fastjson: int) -> str:
    name = text.lower()
    return name if fastjson == 1 else _SKIPPED.sub("", name)


# ---- text -------------------------------------------------------------------------------------


def read_text(value: JsonValue, fastjson: int) -> object:
    """Read a text; what is none becomes the text that Java makes of it."""
    if value is None:
        return KEEP
    if isinstance(value, Spelled):
        return _number_text(value, fastjson)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _json_text(value, fastjson)


def _number_text(number: Spelled, fastjson: int) -> str:
    """Return a number as Java prints it: a BigDecimal, or with an exponent, for 2, a double."""
    if fastjson == 2 and set(number) & set("eE"):
        return java_json.java_double(float(number))
    return str(Decimal(number))


def _json_text(value: JsonValue, fastjson: int) -> object:
    if fastjson == 1:
        return java_json.dumps(_in_java_order(value), V4_9_7).decode()
    if is_one(value) and (value[0] is None or is_text(value[0])):
        return read_text(value[0], fastjson)
    return java_json.dumps(value, V5_5_0).decode()


def _in_java_order(value: JsonValue) -> JsonValue:
    """Return the same with each object in the order of a Java HashMap, as fastjson 1 keeps it."""
    if isinstance(value, dict):
        return in_hash_map_order({str(k): _in_java_order(item) for k, item in value.items()})
    return [_in_java_order(item) for item in value] if isinstance(value, list) else value


def read_octets(value: JsonValue, fastjson: int) -> object:
    """Read bytes in Base64, with or without its padding.

    Raises:
        BadField: other text.
    """
    text = KEEP if is_null(value) else read_text(value, fastjson)
    if not isinstance(text, str):
        return KEEP
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadField(shape(value), "text in Base64") from None


def read_anything(value: JsonValue) -> JsonValue:
    """Return a value of no certain type as ``java_json.loads`` gives it."""
    if isinstance(value, dict):
        return {key: read_anything(item) for key, item in value.items()}
    if isinstance(value, list):
        return [read_anything(item) for item in value]
    return float(value) if isinstance(value, Spelled) else value
