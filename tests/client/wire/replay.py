"""The servers of a recording, for our clients: each question gets the answer that Java's got.

An answer comes when it came there, counted from the start; so does what the broker asks by itself.
Times are virtual, nothing really waits.
"""

from __future__ import annotations

from collections import defaultdict, deque
from contextlib import asynccontextmanager
from functools import partial

import trio

from rmqwire.codec.bodies import LockBatchRequestBody, LockBatchResponseBody
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.release import release_named
from rmqwire.errors import RemotingTimeout
from tests.client.fake_cluster import FakeConnection
from tests.client.wire.recording import NAME_SERVER
from tests.client.wire.steps import PULLS, SENDS, Step, step_of

R = RequestCode
NAMESRV = "127.0.0.1:20876"
HELD = {*PULLS, R.POP_MESSAGE}  # without an answer they wait, as Java's did when it was stopped
OF_QUEUE = ("topic", "queueId", "queueOffset", "subscription")
SOON_MS = 200  # ours may ask that much before Java did, for what had changed meanwhile
UNASKED = {R.QUERY_CONSUMER_OFFSET: 22}  # what is answered where Java didn't ask


def _question(command):
    """Return what tells a question from others of its code; sends are answered in their order."""
    if command.code in SENDS:
        return ()
    if command.code == R.QUERY_ASSIGNMENT:
        return (bytes(command.body),)
    fields = command.ext_fields or {}
    return tuple(fields.get(name) for name in OF_QUEUE)


class Replay:
    """What was answered and asked in a recording.

    Args:
        recording: of Java's clients.
        folder: where clients may keep what they keep in files.

    Attributes:
        sent: client id -> its steps, and those of all at the name server.
    """

    def __init__(self, recording, folder):
        self.recording = recording
        self.folder = folder
        self.sent: dict[str, list[Step]] = defaultdict(list)
        self._answers = defaultdict(deque)
        self._correlation_id = None
        for one in recording.exchanges:
            if not one.of_server and one.answer is not None:
                client = recording.client_of(one)
                self._answers[client, one.request.code, _question(one.request)].append(one)

    # --- time

    def begin(self):
        """Begin now."""
        self._start = trio.current_time()

    def wall_ms(self):
        """Return the recording's wall clock."""
        return self.recording.epoch_ms + int((trio.current_time() - self._start) * 1000)

    def moment(self, at_ms):
        """Return trio's time of a moment of the recording."""
        return self._start + at_ms / 1000

    async def until(self, at_ms):
        """Wait for a moment of the recording."""
        await trio.sleep_until(max(self.moment(at_ms), trio.current_time()))

    # --- clients

    def settings(self, client_id):
        """Return the keywords of a client of ours that takes the place of Java's of this id."""
        name, _, stream = client_id.removeprefix("127.0.0.1@").partition("@")
        namespace = self.recording.group_of(client_id).rpartition("%")[0] or None
        return {
            "namespace": namespace,
            "namesrv_addr": NAMESRV,
            "client_ip": "127.0.0.1",
            "instance_name": name,
            "enable_stream_request_type": bool(stream),
            "release": release_named(self.recording.release),
            "serialize_type": self.recording.serialize_type,
            "remoting": partial(self.remoting, client_id),
            "wall_ms": self.wall_ms,
        }

    @asynccontextmanager
    async def remoting(self, client_id, handlers, connected):
        """Carry the requests of one client, and ask it what the broker asked Java's."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask, client_id, handlers)
            yield Carrier(self, client_id, connected)
            nursery.cancel_scope.cancel()

    async def _ask(self, client_id, handlers):
        for one in self.recording.exchanges:
            if one.of_server and self.recording.client_of(one) == client_id:
                await self.until(one.at_ms)
                request = one.request
                if request.code == R.PUSH_REPLY_MESSAGE_TO_CLIENT:
                    self._name_our_request(request)
                handlers.handle(FakeConnection(), request)

    def _name_our_request(self, push):
        theirs = decode_properties(push.ext_fields["properties"])["CORRELATION_ID"]
        told = push.ext_fields["properties"].replace(theirs, self._correlation_id)
        push.ext_fields["properties"] = told

    # --- questions

    async def answer(self, client_id, addr, command):
        """Return the recorded answer; None when Java got none."""
        command = decode_command(encode_command(command))
        client = NAME_SERVER if addr == NAMESRV else client_id
        self.sent[client].append(step_of(command, oneway=command.is_oneway))
        if command.code == R.SEND_MESSAGE_V2:
            properties = decode_properties(command.ext_fields["i"])
            self._correlation_id = properties.get("CORRELATION_ID")
        if command.is_oneway:
            return None
        if command.code == R.LOCK_BATCH_MQ:
            wanted = LockBatchRequestBody.decode(bytes(command.body)).mq_set
            return command.create_response(0, body=LockBatchResponseBody(list(wanted)).encode())
        answers = self._answers[client, command.code, _question(command)]
        if client == NAME_SERVER:
            return await self._route(answers)
        if not answers:
            return (
                None
                if command.code in HELD
                else command.create_response(UNASKED.get(command.code, 0))
            )
        keep = len(answers) == 1 and command.code not in {*HELD, *SENDS}
        one = answers[0] if keep else answers.popleft()
        await self.until(one.answered_ms)
        return one.answer

    async def _route(self, answers):
        """Return what the name server knew at this time, whoever asked it."""
        now = self.wall_ms() - self.recording.epoch_ms
        known = [one for one in answers if one.at_ms <= now + SOON_MS] or [answers[0]]
        await self.until(known[-1].answered_ms)
        return known[-1].answer


class Carrier:
    """What one client sends through."""

    def __init__(self, replay, client_id, connected):
        self._replay = replay
        self._client_id = client_id
        self._connected = connected
        self._addresses = set()

    async def _connect(self, addr):
        await trio.lowlevel.checkpoint()
        if addr not in self._addresses:
            self._addresses.add(addr)
            self._connected(addr)

    async def invoke(self, addr, command, timeout_ms=3000):
        await self._connect(addr)
        answer = await self._replay.answer(self._client_id, addr, command)
        if answer is None:
            await trio.sleep(timeout_ms / 1000)
            raise RemotingTimeout(f"no answer of {addr}")
        return answer

    def invoke_now(self, addr, opaque, frame, request, borrower=None):
        return False  # there is always something to wait for

    async def invoke_oneway(self, addr, command):
        await self._connect(addr)
        await self._replay.answer(self._client_id, addr, command)
