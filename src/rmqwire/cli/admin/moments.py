"""Times as mqadmin takes them: ms since the epoch, or ``yyyy-MM-dd#HH:mm:ss:SSS`` in local time."""

from __future__ import annotations

from datetime import datetime

import click


def milliseconds(text: str) -> int:
    """Return the time of a text ``yyyy-MM-dd#HH:mm:ss:SSS`` in local time, as ms since the epoch.

    Raises:
        ValueError: it is none.
    """
    seconds, _, ms = text.rpartition(":")
    found = datetime.strptime(seconds, "%Y-%m-%d#%H:%M:%S").astimezone()
    return int(found.timestamp()) * 1000 + int(ms)


class MomentMs(click.ParamType[int]):
    """A time in either form, as ms since the epoch."""

    name = "moment"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return ms since the epoch."""
        text = str(value).strip()
        try:
            return int(text) if text.isascii() and text.isdigit() else milliseconds(text)
        except ValueError:
            self.fail(f"{value!r} is neither epoch ms nor yyyy-MM-dd#HH:mm:ss:SSS", param, ctx)


MOMENT = MomentMs()
