"""The frames of pulls, each written in one step.

A group's pulls of one queue differ in two offsets and the opaque. The general encoder writes one of them with
marks in place of these, and what it wrote is the template of all. A ROCKETMQ header tells lengths before values,
so the general encoder writes each of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rmqwire.codec.command import JSON, encode_command, encode_header, frame_of, next_opaque

if TYPE_CHECKING:
    from rmqwire.client.requests import PullOptions, RequestFactory

# No name that can be sent has a quotation mark in it, so these stand where they are written alone.
_MARK: Final = 1_234_567_891
_PLACES: Final = re.compile(rb'"(queueOffset|commitOffset|opaque)":("?)1234567891')


class PullFrames:
    """Writes a group's pulls of one queue.

    Args:
        requests: makes them in general.
        group: the consumer group.
    """

    def __init__(self, requests: RequestFactory, group: str) -> None:
        self._requests = requests
        self._group = group
        self._like: tuple[object, ...] = ()  # what the template has of its pull
        self._template = b""

    def frame(self, pull: PullOptions) -> tuple[int, bytes]:
        """Return the opaque and the whole frame of a pull; others than the last one's cost a new template."""
        if self._requests.serialize_type != JSON:
            command = self._requests.pull(self._group, pull)
            return command.opaque, encode_command(command)
        like = (
            pull.queue,
            pull.max_msg_nums,
            pull.max_msg_bytes,
            pull.sys_flag,
            pull.suspend_timeout_ms,
            pull.subscription.sub_string,
            pull.subscription.expression_type,
            pull.subscription.sub_version,
            pull.send_expression,
            pull.sub_version,
        )
        if like != self._like:
            self._template = self._make(pull)
            self._like = like
        opaque = next_opaque()
        header = self._template % {
            b"queueOffset": pull.queue_offset,
            b"commitOffset": pull.commit_offset,
            b"opaque": opaque,
        }
        return opaque, frame_of(header, b"", JSON)

    def _make(self, pull: PullOptions) -> bytes:
        command = self._requests.pull(
            self._group, replace(pull, queue_offset=_MARK, commit_offset=_MARK)
        )
        command.opaque = _MARK
        header = encode_header(command).replace(b"%", b"%%")
        return _PLACES.sub(rb'"\1":\2%(\1)d', header)
