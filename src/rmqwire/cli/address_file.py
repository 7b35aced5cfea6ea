"""A file in which a running server says where to reach it from this machine (``--addressFile``).

A line for each server, ``broker 127.0.0.1:10911`` or ``namesrv 127.0.0.1:9876``. Whoever asks after
the server's health (a container engine) needs neither its configuration nor its command line then.
"""

from __future__ import annotations

from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rmqwire.cli.announce import shown
from rmqwire.cli.output import warn
from rmqwire.cli.runner import Failure
from rmqwire.settings.environment import ADDRESS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BROKER: Final = "broker"
NAMESRV: Final = "namesrv"

Address = tuple[str, int]
_Command = TypeVar("_Command", bound="Callable[..., Any]")


def address_file_option(text: str) -> Callable[[_Command], _Command]:
    """Return the option ``--addressFile``."""
    return click.option(
        "--addressFile",
        "address_file",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar=ADDRESS_FILE,
        help=f"{text} Default: ${ADDRESS_FILE}.",
    )


@contextmanager
def addresses_in(path: Path | None, servers: Sequence[tuple[str, Address]]) -> Iterator[None]:
    """Keep the addresses of running servers in ``path`` as long as this lasts.

    Args:
        path: None: nobody wants them.
        servers: BROKER or NAMESRV with the address that it has bound.
    """
    if path is None:
        yield
        return
    text = "".join(f"{kind} {shown(_from_here(address))}\n" for kind, address in servers)
    try:
        path.write_text(text, "ascii")
    except OSError as error:  # the server serves all the same
        warn(f"{path}: can't be written: {error.strerror}")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_addresses(path: Path) -> list[tuple[str, str]]:
    """Return kind and ``host:port`` of each server in the file.

    Raises:
        Failure: there is no file, or it has none.
    """
    try:
        words = [line.split() for line in path.read_text("ascii").splitlines()]
    except FileNotFoundError:
        raise Failure(f"no server runs: there is no {path}") from None
    except UnicodeDecodeError:
        words = [[]]
    if not words or any(len(pair) != 2 or pair[0] not in {BROKER, NAMESRV} for pair in words):
        raise Failure(f"{path}: no file of addresses")
    return [(kind, addr) for kind, addr in words]


def _from_here(address: Address) -> Address:
    """Return where this machine reaches what is bound to ``address``."""
    host, port = address
    if not ip_address(host.partition("%")[0]).is_unspecified:
        return address
    return ("::1" if ":" in host else "127.0.0.1"), port
