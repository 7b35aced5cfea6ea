"""Answers to requests of earlier passes: what a flush or a slave's report has released.

One such event may answer requests of many connections. Within ``with late_answers:`` those
connections are only noted; at its end each sends what it has, once. Outside of it an answer waits
for the turn of its channel's writer.
"""

from __future__ import annotations

from typing import Protocol


class ReadySender(Protocol):
    """A channel: it sends at once what its connection has to send, and never raises."""

    def send_ready(self) -> None:
        """Send what goes without waiting."""


class LateAnswers:
    """The channels of one server that have something to send outside of their passes."""

    def __init__(self) -> None:
        self._open = False
        self._channels: dict[ReadySender, None] = {}

    def takes(self, channel: ReadySender) -> bool:
        """Note a channel that has something to send; False if nobody would send it."""
        if self._open:
            self._channels[channel] = None
        return self._open

    def __enter__(self) -> None:
        """Begin to note channels."""
        self._open = True

    def __exit__(self, *_: object) -> None:
        """Let them send. Nothing that is wrong with one of them is raised."""
        self._open = False
        if self._channels:
            channels, self._channels = self._channels, {}
            for channel in channels:
                channel.send_ready()
