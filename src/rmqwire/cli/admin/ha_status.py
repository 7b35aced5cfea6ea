"""``rmqwire admin haStatus``: how far the slaves of a master are (``HAStatusSubCommand``)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from rmqwire.admin.broker_status import figures_of, runtime_request
from rmqwire.admin.cluster import masters_of
from rmqwire.admin.ha_status import lags_of, log_end_lines, status_lines, status_request
from rmqwire.broker_errors import RequestCodeNotSupported
from rmqwire.cli.admin.asking import (
    ask,
    broker_option,
    brokers_known,
    check_choice,
    namesrv_option,
)
from rmqwire.cli.output import say
from rmqwire.cli.remote import remoting_client
from rmqwire.cli.runner import Outcome, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.remoting.client import RemotingClient


@click.command("haStatus")
@broker_option
@click.option("-c", "--clusterName", "cluster_name", help="All masters of this cluster.")
@namesrv_option
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
    slave hasn't got; masters of Apache RocketMQ don't tell it. Brokers of 4.9 know no slaves'
    progress: of them the end of the log is shown.
    """
    check_choice(broker_addr, cluster_name, namesrv_addr)
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
    async with remoting_client() as client:
        while True:
            masters = (
                [broker_addr]
                if broker_addr
                else await brokers_known(client, namesrv_addr, cluster, masters_of)
            )
            for addr in masters:
                say("\n".join(await _lines_of(client, addr)))
            if interval is None:
                return
            await trio.sleep(interval)


async def _lines_of(client: RemotingClient, addr: str) -> Iterable[str]:
    figures = figures_of(bytes((await ask(client, addr, runtime_request())).body))
    try:
        status = await ask(client, addr, status_request())
    except RequestCodeNotSupported:
        return log_end_lines(addr, figures)
    return status_lines(addr, bytes(status.body), lags_of(figures))
