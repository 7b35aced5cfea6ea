"""Attributes of topics and groups as a header has them (Java ``AttributeParser``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def attributes_text(attributes: Mapping[str, str]) -> str:
    """Return attributes as a header has them: ``+a=b,-c`` (``AttributeParser.parseToString``)."""
    return ",".join(f"{name}={value}" if value else name for name, value in attributes.items())
