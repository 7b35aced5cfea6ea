"""Tables of a broker that come in pages (5.x), of topics and of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rmqwire.codec.bodies import DataVersion

PAGE_SIZE: Final = 2_000  # entries of one answer


class Versioned(Protocol):
    """A table's wrapper."""

    data_version: DataVersion


W = TypeVar("W", bound=Versioned)


async def whole_table(
    ask: Callable[[int, str], Awaitable[tuple[W, int]]], table_of: Callable[[W], dict[str, Any]]
) -> W:
    """Return a table whose pages are asked for one after another.

    Args:
        ask: takes how many entries are there and their version as JSON (nothing at first); returns
            the next page, and how many entries there are in all: 0 of a broker that has no pages.
        table_of: the entries of a wrapper.
    """
    whole, total = await ask(0, "")
    while total > len(table := table_of(whole)):
        part, total = await ask(len(table), whole.data_version.encode().decode())
        if part.data_version != whole.data_version:
            whole = part  # it has changed meanwhile
        elif table_of(part).keys() <= table.keys():
            break
        else:
            table.update(table_of(part))
    return whole
