"""Logging of the commands; the library itself never configures any."""

from __future__ import annotations

import logging

import click

FORMAT = "%(asctime)s %(levelname)s %(name)s - %(message)s"


def configure_logging(level: str, file: str | None) -> None:
    """Send the log of all rooms to stderr or to a file.

    Raises:
        ClickException: the file can't be written.
    """
    try:
        logging.basicConfig(level=level.upper(), format=FORMAT, filename=file, force=True)
    except OSError as error:
        raise click.ClickException(f"--log-file {file}: {error.strerror}") from None
