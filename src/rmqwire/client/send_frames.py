"""The frames of sends, each written in one step.

Of a producer's sends to one broker and topic most fields are the same. The general encoder writes one of
them with marks in place of the others, and what it wrote is the template of all. A ROCKETMQ header tells
lengths before values, so the general encoder writes each of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rmqwire.client.requests import OutgoingMessage
from rmqwire.client.send_forms import send_form
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.command import JSON, encode_command, encode_header, frame_of, next_opaque
from rmqwire.codec.header_json import json_text

if TYPE_CHECKING:
    from rmqwire.client.requests import RequestFactory, SendShape
    from rmqwire.client.send_forms import Pieces, SendForm

MOST: Final = 512  # templates; then all are made again

# No name that can be sent has a quotation mark in it, so these stand where they are written alone.
_MARK: Final = 1_234_567_891
_PLACES: Final = re.compile(
    rb'(?<="e":")1234567891(?=")|(?<="g":")1234567891(?=")|(?<="i":)"1234567891"|(?<="opaque":)1234567891'
)


class SendFrames:
    """Writes the requests of sends.

    Args:
        requests: makes them in general.
    """

    def __init__(self, requests: RequestFactory) -> None:
        self._requests = requests
        self._old_escapes = requests.release.wire.escape_line_separators
        self._templates: dict[tuple[SendShape, str], bytes] = {}

    def frame(
        self, message: OutgoingMessage, queue: MessageQueue, born_timestamp: int
    ) -> tuple[int, bytes]:
        """Return the opaque and the whole frame of a send.

        Args:
            message: without its queue.
            queue: where to.
            born_timestamp: ms since the epoch.

        Raises:
            FrameTooLarge: more properties than a header can hold.
        """
        if self._requests.serialize_type != JSON:
            command = self._requests.send(message, queue, born_timestamp)
            return command.opaque, encode_command(command)
        key = message.shape, queue.broker_name
        template = self._templates.get(key) or self._make(key, queue)
        opaque = next_opaque()
        properties = json_text(message.properties, old_escapes=self._old_escapes)
        header = template % (queue.queue_id, born_timestamp, properties, opaque)
        return opaque, frame_of(header, message.body, JSON)

    def form(self, shape: SendShape, queue: MessageQueue, most_body: int) -> SendForm | None:
        """Return what writes the plain ones of all sends like this; None where none is plain.

        Args:
            shape: theirs.
            queue: one of their queues, or another of the same broker.
            most_body: bytes of the largest plain body.
        """
        if self._requests.serialize_type != JSON:
            return None
        return send_form(self._pieces(shape, queue), most_body, self._requests.release)

    def _make(self, key: tuple[SendShape, str], queue: MessageQueue) -> bytes:
        """Make the template of all sends like this one: queue id, time, properties, opaque are open."""
        pieces = [piece.replace(b"%", b"%%") for piece in self._pieces(key[0], queue)]
        if len(self._templates) >= MOST:
            self._templates.clear()
        template = b"%b%%d%b%%d%b%%b%b%%d%b" % tuple(pieces)
        self._templates[key] = template
        return template

    def _pieces(self, shape: SendShape, queue: MessageQueue) -> Pieces:
        """Return what stands between the open places of a header, and round all of them."""
        marked = OutgoingMessage(shape, b"", str(_MARK))
        place = MessageQueue(queue.topic, queue.broker_name, _MARK)
        command = self._requests.send(marked, place, _MARK)
        command.opaque = _MARK
        before, time, properties, opaque, end = _PLACES.split(encode_header(command))
        return before, time, properties, opaque, end
