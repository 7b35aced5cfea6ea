"""``rmqwire admin health``: whether the servers here answer, for container engines and the like."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from rmqwire.admin.health import HEALTHY, health_request
from rmqwire.cli.address_file import BROKER, NAMESRV, address_file_option, read_addresses
from rmqwire.cli.output import say
from rmqwire.cli.remote import remoting_client
from rmqwire.cli.runner import Outcome, run
from rmqwire.remoting.client import expect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT_MS = 3_000


@click.command("health")
@click.option("-b", "--brokerAddr", "brokers", metavar="ADDR", multiple=True, help="A broker.")
@click.option(
    "-n", "--namesrvAddr", "namesrvs", metavar="ADDR", multiple=True, help="A name server."
)
@address_file_option("Ask the servers that wrote this file.")
def health(brokers: Sequence[str], namesrvs: Sequence[str], address_file: Path | None) -> None:
    """Ask servers whether they answer: exit code 0 when each one does.

    Without -b and -n those are asked that wrote the address file.
    """
    servers = [(BROKER, addr) for addr in brokers] + [(NAMESRV, addr) for addr in namesrvs]
    if not servers and address_file is None:
        raise click.UsageError("Which one? -b ADDR, -n ADDR or --addressFile FILE")
    raise SystemExit(run(partial(ask_health, servers, address_file)))


async def ask_health(
    servers: Sequence[tuple[str, str]], address_file: Path | None, _: Outcome
) -> None:
    """Print a line for each server that answers.

    Raises:
        Failure: none is named in the file.
        BrokerError: one answers with an error.
        RemotingError: one doesn't answer.
    """
    if not servers and address_file is not None:
        servers = read_addresses(address_file)
    async with remoting_client() as client:
        for kind, addr in servers:
            request = health_request(broker=kind == BROKER)
            expect(await client.invoke(addr, request, TIMEOUT_MS), addr, HEALTHY)
            say(f"{kind} {addr} answers")
