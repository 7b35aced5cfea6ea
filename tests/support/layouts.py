"""One helper proves a layout completely: the fast codec, its construct twin and the bytes agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.layouts import Layout


@dataclass(slots=True)
class Fast:
    """The hand-written side: bytes to value, value to bytes, value to the layout's fields."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    fields: Callable[[Any], Any]


def check_layout(fast: Fast, layout: Layout, data: bytes, value: Any) -> None:
    """Decode and encode ``data``/``value`` on both sides; all four must agree."""
    assert fast.decode(data) == value
    assert fast.encode(value) == data
    fields = fast.fields(value)
    assert _part(layout.parse(data), fields) == fields
    assert layout.build(fields) == data


def check_agree(fast: Fast, layout: Layout, data: bytes) -> None:
    """Whatever the bytes are, both sides read the same, or both raise the documented error."""
    try:
        value = fast.decode(data)
    except layout.error:  # any other error of the fast side fails the test
        with pytest.raises(layout.error):
            layout.parse(data)
        return
    fields = fast.fields(value)
    assert _part(layout.parse(data), fields) == fields
    # What was read is written the same by both, even if it isn't what stood there (padding).
    assert fast.encode(value) == layout.build(fields)


def _part(parsed: Any, fields: Any) -> Any:
    """Leave out what the layout computes itself (sizes, lengths, padding)."""
    if isinstance(fields, dict) and isinstance(parsed, dict):
        return {name: _part(parsed.get(name), want) for name, want in fields.items()}
    if isinstance(fields, list) and isinstance(parsed, list) and len(fields) == len(parsed):
        return [_part(p, f) for p, f in zip(parsed, fields, strict=True)]
    return parsed
