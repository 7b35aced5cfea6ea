"""``rmqwire namesrv``: one name server (Java ``NamesrvStartup``, ``mqnamesrv``)."""

from __future__ import annotations

import os
from pathlib import Path

import click
import trio

from rmqwire.cli.address_file import NAMESRV, address_file_option, addresses_in
from rmqwire.cli.announce import announce_namesrv
from rmqwire.cli.output import say, warn
from rmqwire.cli.runner import run
from rmqwire.errors import ConfigError
from rmqwire.namesrv.config import NamesrvConfig, held_by, load_namesrv_config
from rmqwire.namesrv.server import NameServer
from rmqwire.settings.environment import read_environment
from rmqwire.settings.key import java_text
from rmqwire.settings.properties import read_text
from rmqwire.settings.rows.namesrv_conf import KEYS
from rmqwire.settings.secret import shown


@click.command()
@click.option(
    "-c", "--configFile", "config_file", metavar="FILE", help="Name server config properties file."
)
@click.option("-p", "--printConfigItem", "print_all", is_flag=True, help="Print all config items.")
@click.option("-n", "--namesrvAddr", "namesrv_addr", hidden=True, help="Accepted, not used.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on instead of 9876.")
@click.option("--bind", metavar="HOST", help="Address to bind instead of bindAddress.")
@address_file_option("Say there where this name server is to be reached.")
@click.pass_context
def namesrv(
    ctx: click.Context,
    config_file: str | None,
    namesrv_addr: str | None,
    port: int | None,
    bind: str | None,
    address_file: Path | None,
    *,
    print_all: bool,
) -> None:
    """Start a name server; SIGINT or SIGTERM stops it in order."""
    config = read_namesrv_config(config_file)
    config.listen_port = config.listen_port if port is None else port
    config.bind_address = bind or config.bind_address
    if print_all:
        for name, value in held_by(config).shown(KEYS).items():
            say(f"{name}={shown(name, java_text(value))}")
        for text in config.warnings:
            warn(text)
        return
    ctx.exit(run(lambda _: serve_namesrv(config, address_file)))


def read_namesrv_config(path: str | None, home: Path | None = None) -> NamesrvConfig:
    """Read ``namesrv.conf`` as Java does, and the environment.

    The file is also where changed settings are kept.

    Args:
        path: the file, None for defaults.
        home: folder for the tables, None for the user's home as in Java.

    Raises:
        ConfigError: the file can't be read or used.
    """
    text = "" if path is None else read_text(path)
    environment = read_environment(os.environ, KEYS)
    try:
        config = load_namesrv_config(text, str(home or Path.home()), environment)
    except ConfigError as error:
        raise environment.blamed(error, path) from None
    config.properties.setdefault("rocketmqHome", os.environ.get("ROCKETMQ_HOME", ""))
    if path is not None:
        config.config_store_path = str(Path(path).absolute())
    return config


async def serve_namesrv(
    config: NamesrvConfig,
    address_file: Path | None = None,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a name server until cancelled; started with ``host:port`` to reach it from here."""
    async with trio.open_nursery() as nursery:
        address = await nursery.start(NameServer(config).serve)
        announce_namesrv(address, config)
        for text in config.warnings:
            warn(text)
        task_status.started(f"127.0.0.1:{address[1]}")
        with addresses_in(address_file, [(NAMESRV, address)]):
            await trio.sleep_forever()
