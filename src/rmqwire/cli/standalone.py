"""``rmqwire standalone``: a name server and a broker in one process, for development."""

from __future__ import annotations

from pathlib import Path

import click
import trio

from rmqwire.cli.address_file import BROKER, NAMESRV, address_file_option, addresses_in
from rmqwire.cli.announce import announce_broker, announce_namesrv
from rmqwire.cli.local_cluster import LocalSettings, serve_local_cluster
from rmqwire.cli.runner import run

PORT = click.IntRange(0, 65535)


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder for everything that is kept.",
)
@click.option("--namesrv-port", type=PORT, default=9876, show_default=True, help="0: a free one.")
@click.option("--broker-port", type=PORT, default=10911, show_default=True, help="0: a free one.")
@click.option("-c", "--configFile", "config_file", metavar="FILE", help="Broker config file.")
@address_file_option("Say there where both are to be reached.")
@click.pass_context
def standalone(
    ctx: click.Context,
    data: Path,
    namesrv_port: int,
    broker_port: int,
    config_file: str | None,
    address_file: Path | None,
) -> None:
    """Start a name server and a broker on 127.0.0.1; SIGINT or SIGTERM stops both in order."""
    settings = LocalSettings(data, namesrv_port, broker_port, config_file)
    ctx.exit(run(lambda _: serve_standalone(settings, address_file)))


async def serve_standalone(settings: LocalSettings, address_file: Path | None) -> None:
    """Run both until cancelled, and say that they are there."""
    async with trio.open_nursery() as nursery:
        cluster = await nursery.start(serve_local_cluster, settings)
        announce_namesrv(cluster.namesrv, cluster.names)
        announce_broker(cluster.loaded, cluster.broker)
        servers = [(NAMESRV, cluster.namesrv), (BROKER, cluster.broker.listen)]
        with addresses_in(address_file, servers):
            await trio.sleep_forever()
