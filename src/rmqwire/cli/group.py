"""The main group: its commands by name, and the options they share."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rmqwire import __version__
from rmqwire.cli.imports import nothing_is_garbage
from rmqwire.cli.logs import configure_logging
from rmqwire.cli.runner import output_errors, perform

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS = {
    "namesrv": "rmqwire.cli.namesrv:namesrv",
    "broker": "rmqwire.cli.broker:broker",
    "standalone": "rmqwire.cli.standalone:standalone",
    "produce": "rmqwire.cli.produce:produce",
    "consume": "rmqwire.cli.consume:consume",
    "quickstart": "rmqwire.cli.quickstart:quickstart",
    "admin": "rmqwire.cli.admin:admin_group",
    "inspect": "rmqwire.cli.inspect:inspect_group",
    "store": "rmqwire.cli.store:store_group",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for.

    Args:
        lazy: name -> ``module:attribute`` of each command, in the order of the help.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, str], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in their order."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None when there is none of that name."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].partition(":")
        with nothing_is_garbage():
            command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._lazy[cmd_name]} is no command")
        return command


class Program(LazyGroup):
    """The group of all commands: carried out by the one runner, however they end."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:  # noqa: ANN401  as click's
        """Carry out a command line and end the process with its exit code."""
        super_main = partial(super().main, *args, **{**extra, "standalone_mode": False})
        sys.exit(perform(super_main))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:  # noqa: ANN401  as click's
        """Read the options; --help and --version print."""
        with output_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as click's
        """Call a command."""
        with output_errors():
            return super().invoke(ctx)


@click.group(cls=Program, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__,
    "--version",
    prog_name="rmqwire",
    message=f"%(prog)s %(version)s (Python {sys.version.split()[0]})",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="WARNING",
    show_default=True,
    help="Log lines of this level and above.",
)
@click.option("--log-file", type=click.Path(dir_okay=False), help="Log there instead of to stderr.")
def main(log_level: str, log_file: str | None) -> None:
    """Run Apache RocketMQ's broker, name server and clients in Python."""
    configure_logging(log_level, log_file)
