"""``rmqwire admin brokerStatus``: a broker's figures (``BrokerStatusSubCommand``)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from rmqwire.admin.broker_status import figures_of, runtime_request, status_lines
from rmqwire.admin.cluster import brokers_of
from rmqwire.cli.admin.asking import (
    ask,
    broker_option,
    brokers_known,
    check_choice,
    namesrv_option,
)
from rmqwire.cli.output import say, warn
from rmqwire.cli.remote import remoting_client
from rmqwire.cli.runner import FAILED, Outcome, run
from rmqwire.errors import BrokerError, RemotingError

if TYPE_CHECKING:
    from rmqwire.remoting.client import RemotingClient


@click.command("brokerStatus")
@broker_option
@click.option("-c", "--clusterName", "cluster_name", help="All brokers of this cluster.")
@namesrv_option
def broker_status(
    broker_addr: str | None, cluster_name: str | None, namesrv_addr: str | None
) -> None:
    """Show a broker's figures: version, log, queues, totals, disk."""
    check_choice(broker_addr, cluster_name, namesrv_addr)
    job = partial(show_broker_status, broker_addr, cluster_name or "", namesrv_addr or "")
    raise SystemExit(run(job))


async def show_broker_status(
    broker_addr: str | None, cluster: str, namesrv_addr: str, outcome: Outcome
) -> None:
    """Print the figures of one broker, or of each of a cluster that answers."""
    async with remoting_client() as client:
        if broker_addr:
            say("\n".join(status_lines(await _figures(client, broker_addr))))
            return
        for addr in await brokers_known(client, namesrv_addr, cluster, brokers_of):
            try:
                figures = await _figures(client, addr)
            except (RemotingError, BrokerError) as error:  # the others are shown all the same
                warn(f"{addr}: {error}")
                outcome.code = FAILED
                continue
            say("\n".join(status_lines(figures, addr)))


async def _figures(client: RemotingClient, addr: str) -> dict[str, str]:
    return figures_of(bytes((await ask(client, addr, runtime_request())).body))
