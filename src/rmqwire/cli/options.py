"""Options that several commands share."""

from __future__ import annotations

import click


def _set(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value is None or not value.strip():
        raise click.UsageError(
            "No name server address, please set it: -n HOST:PORT, or NAMESRV_ADDR in the environment"
        )
    return value


namesrv_option = click.option(
    "-n",
    "--namesrvAddr",
    "namesrv_addr",
    metavar="ADDR",
    envvar="NAMESRV_ADDR",
    callback=_set,
    help="Name servers, host:port joined by ';'. Default: $NAMESRV_ADDR.",
)
