"""``rmqwire admin``: mqadmin's verbs with mqadmin's options."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from rmqwire.admin.ha_status import (
    cluster_request,
    lags_of,
    masters_of,
    runtime_request,
    status_lines,
    status_request,
)
from rmqwire.cli.runner import Failure, Outcome, run
from rmqwire.errors import RemotingError
from rmqwire.remoting.client import RemotingClient, expect

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand

TIMEOUT_MS = 5_000  # DefaultMQAdminExt.timeoutMillis
DEFAULT_INTERVAL_S = 3


@click.group("admin")
def admin_group() -> None:
    """Ask a running cluster, Java's or ours, as mqadmin does."""


@admin_group.command("haStatus")
@click.option("-b", "--brokerAddr", "broker_addr", metavar="ADDR", help="Which broker to ask.")
@click.option("-c", "--clusterName", "cluster_name", help="All masters of this cluster.")
@click.option(
    "-n",
    "--namesrvAddr",
    "namesrv_addr",
    metavar="ADDR",
    envvar="NAMESRV_ADDR",
    help="Name servers, host:port joined by ';'. Default: $NAMESRV_ADDR.",
)
@click.option(
    "-i",
    "--interval",
    type=click.FloatRange(min=0.1),
    help="Print it again every so many seconds, until interrupted.",
)
def ha_status(
    broker_addr: str | None,
    cluster_name: str | None,
    namesrv_addr: str | None,
    interval: float | None,
) -> None:
    """Show how far the slaves of a master are, in bytes and ms.

    Asked of a slave it shows whom it follows. The lag in ms is the age of the first message that a
    slave hasn't got; masters of Apache RocketMQ don't tell it.
    """
    if broker_addr is None and cluster_name is None:
        raise click.UsageError("Which one? -b ADDR or -c CLUSTER")
    if broker_addr is None and not namesrv_addr:
        raise click.UsageError("-c needs a name server: -n HOST:PORT, or NAMESRV_ADDR")
    job = partial(show_ha_status, broker_addr, cluster_name or "", namesrv_addr or "", interval)
    raise SystemExit(run(job))


async def show_ha_status(
    broker_addr: str | None,
    cluster: str,
    namesrv_addr: str,
    interval: float | None,
    _: Outcome,
) -> None:
    """Print the status once, or again and again."""
    async with RemotingClient() as client:
        while True:
            masters = (
                [broker_addr] if broker_addr else await _masters(client, namesrv_addr, cluster)
            )
            for addr in masters:
                status = await _ask(client, addr, status_request())
                lags = lags_of(bytes((await _ask(client, addr, runtime_request())).body))
                click.echo("\n".join(status_lines(addr, bytes(status.body), lags)))
            if interval is None:
                return
            await trio.sleep(interval)


async def _masters(client: RemotingClient, namesrv_addr: str, cluster: str) -> list[str]:
    """Ask the first name server that answers."""
    fault: RemotingError | None = None
    for addr in namesrv_addr.split(";"):
        try:
            answer = await _ask(client, addr.strip(), cluster_request())
        except RemotingError as error:
            fault = error
            continue
        if found := masters_of(bytes(answer.body), cluster):
            return found
        raise Failure(f"{addr.strip()} knows no master of a cluster {cluster}")
    raise fault or Failure("no name server")


async def _ask(client: RemotingClient, addr: str, request: RemotingCommand) -> RemotingCommand:
    return expect(await client.invoke(addr, request, TIMEOUT_MS), addr)
