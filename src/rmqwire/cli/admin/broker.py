"""``rmqwire admin``: one broker, and whether servers answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.address_file import BROKER, NAMESRV, address_file_option, read_addresses
from rmqwire.cli.admin.verb import broker_option, cluster_option, verb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rmqwire.cli.admin.verb import Call

HEALTH_TIMEOUT_MS = 3_000


@verb("brokerStatus", example="brokerStatus -b 127.0.0.1:10911", namesrv="optional")
@broker_option
@cluster_option
async def broker_status(call: Call, broker_addr: str | None, cluster: str | None) -> None:
    """Show a broker's figures: version, log, queues, totals, disk."""
    for addr in await call.addresses(broker_addr, cluster, slaves=True):
        with call.tolerated(addr, alone=broker_addr is not None):
            figures = await call.admin.broker_status(addr)
            call.tell([Status(addr, figures)], _of_one if broker_addr is not None else _of_several)


@dataclass(frozen=True, slots=True)
class Status:
    """What one broker tells of itself."""

    broker_addr: str
    figures: dict[str, str]


def _of_one(status: Status) -> Iterator[str]:
    for key, value in status.figures.items():
        yield f"{key:<32}: {value}"


def _of_several(status: Status) -> Iterator[str]:
    for line in _of_one(status):
        yield f"{status.broker_addr:<24} {line}"


@verb("health", example="health -n 127.0.0.1:9876 -b 127.0.0.1:10911", namesrv="own")
@click.option("-b", "--brokerAddr", "brokers", metavar="ADDR", multiple=True, help="A broker.")
@click.option(
    "-n", "--namesrvAddr", "namesrvs", metavar="ADDR", multiple=True, help="A name server."
)
@address_file_option("Ask the servers that wrote this file.")
async def health(
    call: Call, brokers: Sequence[str], namesrvs: Sequence[str], address_file: Path | None
) -> None:
    """Ask servers whether they answer: exit code 0 when each one does.

    Without -b and -n those are asked that wrote the address file.
    """
    servers = [(BROKER, addr) for addr in brokers] + [(NAMESRV, addr) for addr in namesrvs]
    if not servers:
        if address_file is None:
            raise click.UsageError("Which one? -b ADDR, -n ADDR or --addressFile FILE")
        servers = read_addresses(address_file)
    for kind, addr in servers:
        await call.admin.check_health(addr, broker=kind == BROKER, timeout_ms=HEALTH_TIMEOUT_MS)
        call.done(Healthy(kind, addr), f"{kind} {addr} answers")


@dataclass(frozen=True, slots=True)
class Healthy:
    """A server that answers."""

    kind: str
    addr: str
