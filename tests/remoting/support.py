"""Helpers of the remoting tests: frames, recorded answers, a clock."""

import base64
import gzip
import json
import socket
from pathlib import Path

import trio

from rmqwire.codec.command import RemotingCommand, decode_command, decode_frame, encode_command
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader

ECHO, HOLD = 1, 11  # request codes of a FarEnd: answered at once, when the test says so
SMALL = 4096  # bytes of a socket's buffer, which the kernel doubles
LARGE = 1 << 20  # bytes: more than it takes

GOLDEN = Path(__file__).parent.parent / "data" / "golden"


def frame(*commands):
    return b"".join(encode_command(command) for command in commands)


def golden(version, serialization, scenario):
    folder = GOLDEN / version / serialization
    path = next(folder.glob(f"{scenario}.jsonl*"))
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def golden_answer(version, serialization, scenario, code):
    """The recorded answer to the first request of ``code``."""
    records = golden(version, serialization, scenario)
    asked = next(r["seq"] for r in records if r["kind"] == "request" and r["code"] == code)
    reply = next(r for r in records if r.get("reply_to") == asked)
    return decode_command(base64.b64decode(reply["frame_b64"]))


class Clock:
    def __init__(self):
        self.now = 1000

    def __call__(self):
        return self.now


class FarEnd:
    """The other end of a served socket, and the handlers that serve it.

    Attributes:
        ours: the end to be served.
        socket: the other one.
        connection: what serves it.
    """

    def __init__(self, limits, handlers=None):
        self.ours, self.socket = socket.socketpair()
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        self.socket.setblocking(False)
        self.held = []
        own = {ECHO: self.echo, HOLD: lambda _, request: self.held.append(request)}
        table = HandlerTable(handlers=own | (handlers or {}))
        self.connection = Connection(table, "peer:1", limits=limits)
        self.reader = FrameReader(LARGE * 4)

    @staticmethod
    def echo(_, request):
        return request.create_response(0, None, body=bytes(request.body))

    def send(self, *opaques, code, body=b""):
        self.socket.sendall(frame(*(RemotingCommand(code, opaque=n, body=body) for n in opaques)))

    def answer(self, body=b""):
        """Answer what is held."""
        held, self.held = self.held, []
        for request in held:
            self.connection.reply(request, request.create_response(0, body=body))

    def arrived(self):
        """The opaques of the answers that the kernel has for us now, None at the stream's end."""
        try:
            data = self.socket.recv(LARGE * 4)
        except BlockingIOError:
            return []
        if not data:
            return None
        return [decode_frame(view).opaque for view in self.reader.receive_data(data)]

    async def read(self, count):
        """The opaques of the next answers, as they come."""
        got = []
        with trio.fail_after(10):
            while len(got) < count:
                got += self.arrived()
                await trio.sleep(0.001)
        return got
