"""The core of one connection: every input, every limit, no socket."""

import base64
import logging
from functools import partial
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.command import RemotingCommand, decode_command, decode_frame, encode_command
from rmqwire.codec.stored_answers import stored_reader
from rmqwire.errors import RemotingTimeout, SendFailed, TooManyRequests, UsageError
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.open_requests import Asked
from tests.remoting.support import Clock, frame, golden

PEER = "127.0.0.1:40000"


def echo(connection, request):
    return request.create_response(0, None, body=bytes(request.body))


def server(**kwargs):
    return Connection(HandlerTable(handlers={1: echo}), PEER, **kwargs)


def sent(connection):
    return [decode_frame(view) for view in FrameReader().receive_data(connection.data_to_send())]


# ---- requests of the peer


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.data())
def test_every_chunking_gives_the_same_answers(bodies, data):
    stream = frame(*(RemotingCommand(1, body=b, opaque=n) for n, b in enumerate(bodies)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=9)))
    connection = server()
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        connection.receive_data(stream[start:stop])
    assert [(r.opaque, bytes(r.body)) for r in sent(connection)] == list(enumerate(bodies))
    assert connection.data_to_send() == b""


def test_recorded_java_requests_are_all_answered():
    connection = server()
    asked = [r for r in golden("5.5.0", "ROCKETMQ", "b_raw_errors") if r["kind"] == "request"]
    connection.receive_data(b"".join(base64.b64decode(r["frame_b64"]) for r in asked))
    assert [r.opaque for r in sent(connection)] == [r["opaque"] for r in asked]
    assert asked


def test_a_oneway_request_is_never_answered():
    connection = server()
    for code in (1, 9999):
        request = RemotingCommand(code)
        request.mark_oneway()
        connection.receive_data(frame(request))
    assert connection.data_to_send() == b""
    assert not connection.closed


def test_late_answers_wake_the_shell_and_pass_answers_do_not():
    held, woken = [], []
    connection = Connection(HandlerTable(handlers={11: lambda c, r: held.append(r)}), PEER)
    connection.on_wake = lambda: woken.append(1)
    connection.corked = True
    connection.receive_data(frame(RemotingCommand(11, opaque=5), RemotingCommand(2, opaque=6)))
    connection.corked = False
    assert [r.opaque for r in sent(connection)] == [6]
    assert woken == []
    connection.reply(held[0], held[0].create_response(0, "found"))
    assert woken == [1]
    assert [(r.opaque, r.remark) for r in sent(connection)] == [(5, "found")]


def test_a_late_answer_to_a_closed_connection_is_dropped():
    connection = server()
    request = RemotingCommand(1)
    connection.connection_lost()
    connection.reply(request, request.create_response(0))
    assert connection.data_to_send() == b""


def test_an_answer_that_cannot_be_encoded_becomes_an_error_answer():
    huge = Connection(
        HandlerTable(handlers={1: lambda c, r: r.create_response(0, "x" * 0x1000000)}), PEER
    )
    huge.receive_data(frame(RemotingCommand(1, opaque=3)))
    (reply,) = sent(huge)
    assert (reply.code, reply.opaque) == (1, 3)


BAD_STREAMS = {
    "length 0": pack(">i", 0),
    "length -1": pack(">i", -1),
    "length INT_MIN": pack(">i", -(2**31)),
    "length above the limit": pack(">i", 16_777_213),
    "length INT_MAX": pack(">i", 2**31 - 1),
    "http": b"GET / HTTP/1.1\r\n",
    "header longer than the frame": pack(">iI", 8, 100) + b"{}{}",
    "header of 24 bits": pack(">iI", 4, 0xFFFFFF),
    "no header": pack(">iI", 4, 0),
    "serialize type 2": pack(">iI", 6, (2 << 24) | 2) + b"{}",
    "serialize type 255": pack(">iI", 6, (255 << 24) | 2) + b"{}",
    "binary header cut": pack(">iI", 9, (1 << 24) | 5) + b"\0\1\0\0\0",
    "binary ext length lies": pack(">iI", 25, (1 << 24) | 21)
    + pack(">hBhii", 1, 0, 0, 1, 0) + pack(">i", 0) + pack(">i", 2**31 - 1),
    "json empty": pack(">iI", 4, 0),
    "json null": pack(">iI", 8, 4) + b"null",
    "json array": pack(">iI", 6, 2) + b"[]",
    "json deep": pack(">iI", 200_004, 200_000) + b"[" * 100_000 + b"]" * 100_000,
    "json deep ext": pack(">iI", 100_017, 100_013) + b'{"extFields":' + b"[" * 100_000,
    "json huge number": pack(">iI", 5018, 5014) + b'{"code":' + b"9" * 5000 + b"     }",
    "json code is a word": pack(">iI", 16, 12) + b'{"code":"x"}',
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_bytes_that_are_no_command_close_with_one_line(name, caplog):
    connection = server()
    woken = []
    connection.on_wake = lambda: woken.append(1)
    with caplog.at_level(logging.INFO):
        connection.receive_data(frame(RemotingCommand(1, opaque=4)) + BAD_STREAMS[name])
        connection.receive_data(frame(RemotingCommand(1, opaque=5)))
    assert connection.closed
    assert woken
    assert len(caplog.records) == 1
    assert [r.opaque for r in sent(connection)] == [4]


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_garbage_never_raises(chunks):
    connection = server()
    for chunk in chunks:
        connection.receive_data(chunk)
        connection.receive_data(pack(">i", len(chunk)) + chunk)


@settings(max_examples=300)
@given(st.data())
def test_mutated_frames_never_raise(data):
    original = frame(RemotingCommand(1, {"topic": "T", "queueId": "3"}, b"body", opaque=7))
    binary = RemotingCommand(1, {"topic": "T"}, b"body", opaque=7, serialize_type=1)
    stream = bytearray(data.draw(st.sampled_from([original, frame(binary)])))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(4, len(stream) - 1))] = data.draw(st.integers(0, 255))
    connection = server()
    connection.receive_data(bytes(stream))
    connection.data_to_send()


# ---- requests of ours


def test_answers_are_matched_by_opaque_in_any_order():
    client, got = server(), []
    for opaque in (7, 8):
        client.request(RemotingCommand(1, opaque=opaque), got.append, 3000)
    asked = sent(client)
    client.receive_data(frame(*(r.create_response(r.opaque) for r in reversed(asked))))
    assert [r.code for r in got] == [8, 7]
    assert len(client.requests.waiting) == 0


def test_two_cores_talk_to_each_other():
    notified, got = [], []
    left = Connection(HandlerTable(handlers={40: lambda c, r: notified.append(r.opaque)}), "b:1")
    right = server()
    left.request(RemotingCommand(1, body=b"hello"), got.append, 3000)
    right.send_oneway(RemotingCommand(40, opaque=12))
    right.request(RemotingCommand(555), got.append, 3000)
    for _ in range(3):
        right.receive_data(left.data_to_send())
        left.receive_data(right.data_to_send())
    assert notified == [12]
    assert [(r.code, bytes(r.body)) for r in got] == [(0, b"hello"), (3, b"")]


def test_a_response_nobody_asked_for_is_one_line(caplog):
    connection = server()
    with caplog.at_level(logging.INFO):
        connection.receive_data(frame(RemotingCommand(1, opaque=1).create_response(0)))
    assert len(caplog.records) == 1
    assert not connection.closed
    assert connection.data_to_send() == b""


def test_a_hundred_thousand_equal_opaques_are_bounded(caplog):
    connection = server()
    response = frame(RemotingCommand(1, opaque=1).create_response(0))
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            connection.receive_data(response * 1000)
    assert len(connection.requests.waiting) == 0
    assert len(caplog.records) <= 40


def test_a_request_without_answer_times_out_once():
    clock, got = Clock(), []
    client = server(mono_ms=clock)
    client.request(RemotingCommand(1, opaque=3), got.append, 100)
    client.request(RemotingCommand(1, opaque=4), got.append, 5000)
    assert client.requests.next_look(0) == 1100
    client.expire(1099)
    assert got == []
    client.expire(1100)
    assert [type(outcome) for outcome in got] == [RemotingTimeout]
    assert PEER in str(got[0])
    assert client.requests.next_look(0) == 6000
    client.receive_data(frame(RemotingCommand(1, opaque=3).create_response(0)))
    assert len(got) == 1


def test_the_end_of_the_connection_fails_what_waits():
    client, got = server(), []
    client.request(RemotingCommand(1, opaque=3), got.append, 100)
    client.connection_lost()
    client.request(RemotingCommand(1, opaque=4), got.append, 100)
    assert [type(outcome) for outcome in got] == [SendFailed, SendFailed]
    client.expire(10**9)
    assert len(got) == 2


def maybe_stored(end, **kwargs):
    """Hand one request out for writing, leave another in the outbox, then let ``end`` happen."""
    connection, got = server(**kwargs), {}
    for opaque in (3, 4):
        connection.data_to_send()
        connection.request(
            RemotingCommand(1, body=bytes(100), opaque=opaque),
            lambda error, opaque=opaque: got.update({opaque: error.maybe_stored}),
            100,
        )
    end(connection)
    return got


def test_only_a_request_that_never_left_is_certainly_not_carried_out():
    assert maybe_stored(Connection.connection_lost) == {3: True, 4: False}


def test_what_is_in_the_outbox_when_the_connection_closes_may_still_leave():
    assert maybe_stored(Connection.close) == {3: True, 4: True}


def test_what_is_in_the_outbox_when_the_time_is_over_may_still_leave():
    def expire(connection):
        connection.expire(10**12)

    assert maybe_stored(expire) == {3: True, 4: True}


def test_what_was_thrown_away_because_the_peer_does_not_read_never_left():
    def overflow(connection):
        connection.reply(RemotingCommand(1, opaque=9), RemotingCommand(0, body=bytes(1000)))

    limits = Limits(outbox_bytes=1000)
    assert maybe_stored(overflow, limits=limits) == {3: True, 4: False}


def test_a_request_on_a_closed_connection_never_leaves():
    connection, got = server(), []
    connection.close()
    connection.request(RemotingCommand(1, opaque=3), got.append, 100)
    assert [error.maybe_stored for error in got] == [False]


def test_a_forgotten_request_is_not_called():
    clock, got = Clock(), []
    client = server(mono_ms=clock)
    client.request(RemotingCommand(1, opaque=3), got.append, 100)
    client.forget(3)
    assert client.requests.next_look(0) is None
    client.expire(5000)
    client.connection_lost()
    assert got == []


def test_a_failing_callback_hurts_nobody(caplog):
    client, got = server(), []
    client.request(RemotingCommand(1, opaque=3), lambda outcome: 1 // 0, 100)
    client.request(RemotingCommand(1, opaque=4), got.append, 100)
    with caplog.at_level(logging.ERROR):
        answers = [r.create_response(0) for r in sent(client)]
        client.receive_data(frame(*answers))
    assert len(got) == 1
    assert "ZeroDivisionError" in caplog.text


def test_one_opaque_waits_once():
    client = server()
    client.request(RemotingCommand(1, opaque=3), print, 100)
    with pytest.raises(UsageError):
        client.request(RemotingCommand(1, opaque=3), print, 100)


def test_outstanding_requests_are_limited():
    client = server(limits=Limits(async_requests=2, oneway_requests=2))
    for _ in range(2):
        client.request(RemotingCommand(1), print, 100)
        client.send_oneway(RemotingCommand(1))
    with pytest.raises(TooManyRequests):
        client.request(RemotingCommand(1), print, 100)
    with pytest.raises(TooManyRequests):
        client.send_oneway(RemotingCommand(1))
    assert len(sent(client)) == 4
    client.send_oneway(RemotingCommand(1))


def test_the_default_limits_are_javas():
    limits = Limits()
    assert (limits.async_requests, limits.oneway_requests) == (65535, 65535)
    assert (limits.max_frame, limits.idle_ms, limits.connect_ms) == (16777216, 120_000, 3000)


# ---- silence and floods


def test_an_idle_connection_is_closed():
    connection = server()
    connection.expire(0)
    connection.expire(119_999)
    assert not connection.closed
    connection.receive_data(frame(RemotingCommand(1)))
    connection.expire(130_000)
    connection.expire(249_000)
    assert not connection.closed
    connection.data_to_send()
    connection.expire(249_500)
    connection.expire(369_499)
    assert not connection.closed
    connection.expire(369_500)
    assert connection.closed
    assert connection.close_reason == "idle"


def test_a_frame_that_drips_is_closed():
    connection = server()
    for second in range(31):
        connection.receive_data(pack(">i", 100) if second == 0 else b"x")
        connection.expire(second * 1000)
    assert connection.closed


def test_a_stream_of_frames_with_a_tail_is_not_a_drip():
    connection = server()
    one = frame(RemotingCommand(1))
    connection.receive_data(one[:10])
    for second in range(100):
        connection.expire(second * 1000)
        connection.receive_data(one[10:] + one[:10])
        connection.data_to_send()
    assert not connection.closed


def test_answers_nobody_reads_pause_the_requests():
    body = bytes(1000)
    connection = server(limits=Limits(pause_bytes=2500))
    stream = frame(*(RemotingCommand(1, body=body, opaque=n) for n in range(10)))
    connection.receive_data(stream)
    assert connection.paused
    seen = [r.opaque for r in sent(connection)]
    assert len(seen) == 3
    connection.receive_data(frame(RemotingCommand(1, opaque=10)) + BAD_STREAMS["http"])
    while connection.paused:
        assert connection.outbox_size < 4000
        connection.resume()
        seen += [r.opaque for r in sent(connection)]
    assert seen == list(range(11))
    assert connection.closed


def test_a_reader_that_stops_is_closed_at_the_cap(caplog):
    connection = server(limits=Limits(outbox_bytes=10_000))
    request = RemotingCommand(1)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            connection.reply(request, request.create_response(0, body=bytes(1000)))
    assert connection.closed
    assert connection.outbox_size == 0
    assert len(caplog.records) == 1


# ---- addresses


def test_what_handlers_see_of_the_peer():
    connection = Connection(HandlerTable(), "[::1]:10911", local="[::1]:5")
    assert connection.peer_v6
    assert len(connection.peer_host) == 20
    assert not server().peer_v6


def test_encoding_round_trip_of_the_helpers():
    command = RemotingCommand(1, {"a": "b"}, b"c")
    assert decode_command(encode_command(command)).ext_fields == {"a": "b"}


# ---- the answers to sends, at a client


def stored(opaque):
    fields = {"queueId": "3", "msgId": "7F", "queueOffset": str(opaque)}
    return RemotingCommand(0, fields, opaque=opaque, flag=1)


def asking(*opaques, **kwargs):
    """Return a client that has sent requests, and what each of them has heard."""
    client, heard = server(**kwargs), []
    client.read_stored = stored_reader(4096)
    for opaque in opaques:
        hear = partial(lambda opaque, said: heard.append((opaque, said)), opaque)
        request = encode_command(RemotingCommand(1, opaque=opaque))
        client.request_frame(opaque, request, Asked(hear, 1000, on_stored=hear))
    client.data_to_send()
    return client, heard


def brief(heard):
    """Tell of what was heard whether it was a command, and of what was stored its offset."""
    return [(opaque, said[4] if isinstance(said, tuple) else type(said)) for opaque, said in heard]


@given(st.lists(st.integers(0, 400), max_size=6))
def test_answers_to_sends_come_among_other_frames_in_any_chunks(cuts):
    refused = RemotingCommand(1, remark="no", opaque=2, flag=1)
    stream = frame(stored(1), refused, RemotingCommand(1, opaque=9), stored(3), stored(7))
    cuts = sorted(min(cut, len(stream)) for cut in cuts)
    client, heard = asking(1, 2, 3)
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        client.receive_data(stream[start:stop])
    assert brief(heard) == [(1, 1), (2, RemotingCommand), (3, 3)], "nobody waits for 7"
    assert [answer.opaque for answer in sent(client)] == [9]
    assert (len(client.requests.waiting), client.frames_received) == (0, 5)


def test_who_knows_commands_alone_gets_the_answer_to_a_send_as_one():
    client, heard = asking()
    client.request(RemotingCommand(1, opaque=5), heard.append, 1000)
    client.receive_data(frame(stored(5)))
    assert [answer.ext_fields["queueOffset"] for answer in heard] == ["5"]


def test_answers_wait_behind_requests_that_are_held_back():
    client, heard = asking(1, limits=Limits(pause_bytes=10))
    client.receive_data(frame(*(RemotingCommand(1, opaque=n) for n in (8, 9)), stored(1)))
    assert client.paused
    assert not heard
    assert [answer.opaque for answer in sent(client)] == [8]
    client.resume()
    client.data_to_send()
    while client.paused:
        client.resume()
    assert brief(heard) == [(1, RemotingCommand)]


def test_what_fails_at_an_answer_harms_no_other_one(caplog):
    client, heard = asking(1)

    def fail(_):
        raise LookupError("at an answer")

    failing = encode_command(RemotingCommand(1, opaque=2))
    client.request_frame(2, failing, Asked(fail, 1000, on_stored=fail))
    client.receive_data(frame(stored(2), stored(1)))
    assert brief(heard) == [(1, 1)]
    assert "at an answer" in caplog.text


def test_a_connection_closed_at_an_answer_hands_out_no_more():
    client, heard = asking(1)
    closing = encode_command(RemotingCommand(1, opaque=2))
    client.request_frame(2, closing, Asked(heard.append, 1000, on_stored=lambda _: client.close()))
    client.receive_data(frame(stored(2), stored(1)))
    assert brief(heard) == [(1, SendFailed)]


def test_a_bad_length_behind_answers_closes_the_connection():
    client, heard = asking(1)
    client.receive_data(frame(stored(1)) + b"\0\0\0\x01x")
    assert brief(heard) == [(1, 1)]
    assert client.closed
