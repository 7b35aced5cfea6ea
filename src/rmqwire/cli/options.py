"""Options that several commands share."""

from __future__ import annotations

import click


class Text(click.ParamType[str]):
    """A text that goes into a message or a request: UTF-8, unlike a path or a body."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse bytes that are no UTF-8: they could be sent only as question marks."""
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail(f"{value!r} is not UTF-8", param, ctx)
        return value


TEXT = Text()


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
    type=TEXT,
    metavar="ADDR",
    envvar="NAMESRV_ADDR",
    callback=_set,
    help="Name servers, host:port joined by ';'. Default: $NAMESRV_ADDR.",
)
