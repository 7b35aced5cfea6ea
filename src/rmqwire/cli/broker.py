"""``rmqwire broker``: one broker (Java ``BrokerStartup``, ``mqbroker``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import trio

from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.address_file import BROKER, address_file_option, addresses_in
from rmqwire.cli.announce import announce_broker
from rmqwire.cli.config_lines import broker_config_lines
from rmqwire.cli.output import say, warn
from rmqwire.cli.recovery_bar import recovery_bar
from rmqwire.cli.runner import run, write_no_core

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.broker.settings.values import LoadedConfig


@click.command()
@click.option("-c", "--configFile", "config_file", metavar="FILE", help="Broker config file.")
@click.option(
    "-n",
    "--namesrvAddr",
    "namesrv_addr",
    metavar="ADDR",
    help="Name server address list, eg: 192.168.0.1:9876;192.168.0.2:9876. Default: the file's, "
    "else $NAMESRV_ADDR.",
)
@click.option("-p", "--printConfigItem", "print_all", is_flag=True, help="Print all config items.")
@click.option(
    "-m", "--printImportantConfig", "print_important", is_flag=True, help="Print important ones."
)
@address_file_option("Say there where this broker is to be reached.")
@click.pass_context
def broker(
    ctx: click.Context,
    config_file: str | None,
    namesrv_addr: str | None,
    address_file: Path | None,
    *,
    print_all: bool,
    print_important: bool,
) -> None:
    """Start a broker; SIGINT or SIGTERM stops it in order."""
    overrides = {} if namesrv_addr is None else {"namesrvAddr": namesrv_addr}
    loaded = load_broker_config(config_file, overrides)
    if print_all or print_important:
        for line in broker_config_lines(loaded, important=not print_all):
            say(line)
        for text in loaded.warnings:
            warn(text)
        return
    if loaded.broker.acl_enable:
        write_no_core()
    ctx.exit(run(lambda _: serve_broker(loaded, address_file)))


async def serve_broker(
    loaded: LoadedConfig,
    address_file: Path | None = None,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a broker until cancelled; started with the address it tells clients."""
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(Broker(loaded, show_recovery=recovery_bar()).serve)
        announce_broker(loaded, addresses)
        task_status.started(loaded.broker.broker_addr)
        with addresses_in(address_file, [(BROKER, addresses.listen)]):
            await trio.sleep_forever()
