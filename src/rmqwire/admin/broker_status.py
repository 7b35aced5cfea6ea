"""``brokerStatus``: a broker's figures (``BrokerStatusSubCommand``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.bodies import KVTable
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def runtime_request() -> RemotingCommand:
    """Ask a broker for its figures."""
    return RemotingCommand.request(int(RequestCode.GET_BROKER_RUNTIME_INFO))


def figures_of(body: bytes) -> dict[str, str]:
    """Return the table of a broker's answer to ``runtime_request``.

    Raises:
        BadBody: it isn't one.
    """
    return KVTable.decode(body).table or {}


def status_lines(figures: Mapping[str, str], addr: str | None = None) -> Iterator[str]:
    """Return the lines to print for one broker, sorted by key.

    Args:
        figures: its figures.
        addr: its address, for each line; None: it is the only one.
    """
    start = "" if addr is None else f"{addr:<24} "
    for key, value in sorted(figures.items()):
        yield f"{start}{key:<32}: {value}"
