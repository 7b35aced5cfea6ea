"""Bytes that are no frames, against real servers: that connection ends, all others go on."""

from __future__ import annotations

import struct

import pytest

from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from tests.end_to_end.support import cluster, healthy, tracebacks
from tests.support import requests

MAX_LENGTH = 16 * 1024 * 1024 - 4  # the limit counts the length word itself


def word(number: int) -> bytes:
    return struct.pack(">I", number & 0xFFFFFFFF)


def framed(header: bytes, body: bytes = b"", *, kind: int = 0, size: int | None = None) -> bytes:
    """Return a frame; ``size`` is a lie about the header's length."""
    told = len(header) if size is None else size
    return word(4 + len(header) + len(body)) + word(kind << 24 | told) + header + body


def json_header(text: str) -> bytes:
    return framed(b'{"code":34,"language":"JAVA","version":0,"flag":0,"opaque":1' + text.encode())


BINARY = struct.pack(">hBhiI", 34, 0, 0, 1, 0)  # code, language, version, opaque, flag

LENGTHS = {
    f"length {number}": word(number) + b"\x00" * 64
    for number in (0, 1, 2, 3, -1, -(2**31), MAX_LENGTH + 1, 2**31 - 1)
}
PROTOCOLS = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
    "PROXY v1": b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 10911\r\n",
    "PROXY v2": b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0c" + bytes(12),
    "TLS hello": bytes.fromhex("160301007a010000760303") + bytes(112),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "zeros": bytes(4096),
    "ones": b"\xff" * 4096,
}
HEADERS = {
    "no header word": word(4)[:4] + word(1 << 20),
    "header longer than the frame": framed(b"{}", size=3),
    "header of 0 bytes": framed(b""),
    "24-bit header": framed(b"{}", size=0xFFFFFF),
    "unknown serialisation": framed(b"{}", kind=2),
    "serialisation 255": framed(b"{}", kind=255),
}
ROCKETMQ_HEADERS = {
    "cut short": framed(BINARY[:7], kind=1),
    "negative remark": framed(BINARY + word(-1) + word(0), kind=1),
    "remark too long": framed(BINARY + word(1 << 30) + word(0), kind=1),
    "negative fields": framed(BINARY + word(0) + word(-5), kind=1),
    "fields too long": framed(BINARY + word(0) + word(1 << 30), kind=1),
    "odd tail": framed(BINARY + word(0) + word(3) + b"\x00\x01k", kind=1),
    "negative value": framed(BINARY + word(0) + word(7) + b"\x00\x01k" + word(-1), kind=1),
}
JSON_HEADERS = {
    "empty": framed(b" "),
    "null": framed(b"null"),
    "array": framed(b"[1,2]"),
    "string": framed(b'"code"'),
    "deep": framed(b"[" * 100_000),
    "deep objects": framed(b'{"a":' * 100_000),
    "digits": framed(b'{"code":' + b"9" * 5000 + b"}"),
    "1e400": framed(b'{"code":1e400,"opaque":1}'),
    "a bare word": framed(b'{"code":Nothing,"opaque":1}'),
    "code as text": framed(b'{"code":"x","opaque":1}'),
    "opaque 2^63": framed(b'{"code":34,"opaque":9223372036854775808}'),
    "invalid UTF-8": framed(b'{"code":34,"opaque":1,"remark":"\xff\xfe"}'),
    "not closed": json_header(""),
    "fields are a list": json_header(',"extFields":[1]}'),
}
HOSTILE = LENGTHS | PROTOCOLS | HEADERS | ROCKETMQ_HEADERS | JSON_HEADERS


@pytest.mark.parametrize("server", ["broker", "namesrv"])
async def test_bytes_that_are_no_frame_end_their_connection_only(tmp_path, caplog, server):
    async with cluster(tmp_path) as here, here.wire() as well:
        await healthy(well)
        address = getattr(here, server)
        for name, data in HOSTILE.items():
            async with here.wire(address) as hostile:
                await hostile.send(data)
                assert await hostile.frame() is None, name
            await healthy(well)
    assert not tracebacks(caplog)
    lines = [r.getMessage() for r in caplog.records if " is closed: " in r.getMessage()]
    assert 0 < len(lines) <= 21  # one each, until there were too many of a kind
    assert all(line.isprintable() and len(line) < 600 for line in lines)


async def test_what_came_before_the_bad_bytes_counts(tmp_path, caplog):
    """Its answer may be lost with the connection, as in Java; a query is answered at once."""
    query = RemotingCommand(30, {"topic": "T", "queueId": "0"})
    sent = encode_command(requests.send(body=b"before"))
    async with cluster(tmp_path) as here, here.wire() as wire:
        await wire.send(encode_command(query) + sent + b"GET / HTTP/1.1\r\n\r\n")
        frame = await wire.frame()
        assert frame is not None
        assert decode_command(frame).opaque == query.opaque
        while await wire.frame() is not None:
            pass
        assert here.server.core.state.store.max_offset("T", 0) == 1
    assert not tracebacks(caplog)


async def test_answers_nobody_asked_for_and_oneway_requests_do_no_harm(tmp_path, caplog):
    async with cluster(tmp_path) as here, here.wire() as wire:
        await healthy(wire)
        stray = RemotingCommand(0, opaque=2**31 - 1, flag=1)
        for code in (*here.server.core.handlers.codes(), 9999, -1, 2**31 - 1):
            stray.code = code
            await wire.send(encode_command(stray))  # an answer with an opaque of nobody
            oneway = RemotingCommand(code, opaque=7)
            oneway.mark_oneway()
            await wire.send(encode_command(oneway))  # all fields are missing
        await healthy(wire)  # nothing was answered in between
    assert not tracebacks(caplog)


async def test_every_code_of_both_servers_refuses_a_request_without_fields(tmp_path, caplog):
    """The same opaque again and again is answered each time as well."""
    async with cluster(tmp_path) as here, here.wire() as well:
        await healthy(well)
        for address in (here.broker, here.namesrv):
            async with here.wire(address) as wire:
                for code in range(2020):
                    for ext, body in (
                        (None, b""),
                        ({"topic": "T", "group": "g"}, b"{"),
                        ({}, b"\xff"),
                    ):
                        command = RemotingCommand(code, ext, body, opaque=5)
                        answer = await wire.call(command)
                        assert answer.code == 0 or answer.remark, (code, answer)
                        if answer.code == 3:
                            assert "not supported" in answer.remark
        await healthy(well)
    assert not tracebacks(caplog)


async def test_a_frame_byte_by_byte_and_many_in_one_piece(tmp_path):
    async with cluster(tmp_path) as here, here.wire() as wire:
        data = encode_command(requests.send(body=b"slow"))
        for place in range(len(data)):
            await wire.send(data[place : place + 1])
        assert await wire.frame() is not None
        many = [requests.send(body=b"%d" % number) for number in range(200)]
        await wire.send(b"".join(map(encode_command, many)))
        for _ in many:
            assert await wire.frame() is not None
        assert here.server.core.state.store.max_offset("T", 0) == 201
