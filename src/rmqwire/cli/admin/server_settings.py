"""The settings of name servers and controllers, shown and changed alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.cli.admin.printing import setting_lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from rmqwire.cli.admin.verb import Call


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one server."""

    addr: str
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class Update:
    """A setting that servers have changed."""

    addrs: Sequence[str]
    key: str
    value: str


async def show(
    call: Call, addrs: Sequence[str], get: Callable[[str], Awaitable[dict[str, str]]]
) -> None:
    """Print the settings of each server."""
    for addr in addrs:
        call.tell([Settings(addr, await get(addr))], _lines)


def _lines(found: Settings) -> Iterator[str]:
    yield f"============{found.addr}============"
    yield from setting_lines(found.settings)


async def change(
    call: Call, kind: str, update: Update, ask: Callable[[str, dict[str, str]], Awaitable[None]]
) -> None:
    """Change a setting of each server.

    Args:
        call: the verb's.
        kind: of server, for the words.
        update: which setting of whom.
        ask: asks one server.
    """
    key, value, where = update.key, update.value, ", ".join(update.addrs)
    if call.goes_ahead(f"set {key}={value} at {where}"):
        for addr in update.addrs:
            await ask(addr, {key: value})
        done = f"update {kind} config success![{where}]"
        call.done(update, done, f"{key} : {value}")
