"""Every frame that real Java wrote: read it, write it, the same bytes both ways."""

from __future__ import annotations

import pytest

from rmqwire.codec import decode_command, encode_command
from rmqwire.codec.headers.registry import REQUEST_HEADERS, RESPONSE_HEADERS
from tests.support.golden import frame_files, frames, vectors

FRAME_COUNT = 11996


def check_both_ways(frame: bytes) -> None:
    """Check that kept header bytes, and the decoded values alone, give the frame again."""
    assert encode_command(decode_command(frame)) == frame
    rebuilt = decode_command(frame)
    rebuilt.forget_received()
    assert encode_command(rebuilt) == frame


def test_every_recorded_frame_comes_out_as_it_came():
    count = 0
    for path in frame_files():
        for entry, frame in frames(path):
            command = decode_command(frame)
            assert command.opaque == entry["opaque"]
            assert command.code == entry["code"]
            assert command.flag == entry["flag"]
            check_both_ways(frame)
            count += 1
    assert count == FRAME_COUNT


def vector_frame(entry: dict) -> bytes:
    """Return a whole frame of vectors.json; some are cut or heads only."""
    if "frame_head_hex" in entry:
        return bytes.fromhex(entry["frame_head_hex"]) + bytes(entry["body_len"])
    text = entry["frame_hex"]
    if not text.endswith("..."):
        return bytes.fromhex(text)
    head = bytes.fromhex(text.removesuffix("..."))
    header_end = 8 + int.from_bytes(head[5:8], "big")
    body = bytes(index & 0xFF for index in range(entry["frame_len"] - header_end))
    return head[:header_end] + body


@pytest.mark.parametrize(
    ("release", "entry"),
    [
        pytest.param(release, entry, id=f"{release}-{entry['serialize']}-{entry['name'][:40]}")
        for release, entry in vectors("remoting_commands")
    ],
)
def test_every_java_made_frame_comes_out_as_it_came(release, entry):
    frame = vector_frame(entry)
    command = decode_command(frame)
    assert command.code == entry["code"]
    assert command.opaque == entry["opaque"]
    assert command.version == entry["version"]
    assert len(command.body) == len(frame) - 8 - int.from_bytes(frame[5:8], "big")
    check_both_ways(frame)


# Fields that Java adds beside the header class: hooks of the client and the broker.
EXTRA_FIELDS = {"ReqT", "_UNIQUE_KEY_QUERY", "TRACE_ON", "MSG_REGION", "AccessKey", "Signature"}
# Defaults of a header class that a release without the field does not send.
DEFAULTS = {
    "cleanOffset": "false",
    "removeOffset": "false",
    "committed": "true",
    "queueId": "-1",
    "force": "false",
}


def test_typed_headers_carry_every_recorded_field():
    checked = 0
    for path in frame_files():
        if path.name == "acl2_codes.jsonl.gz":  # only as many fields as a refusal needs
            continue
        requests = {}
        for entry, frame in frames(path):
            command = decode_command(frame)
            if entry["kind"] != "response":
                requests[entry["seq"]] = command.code
                header_class = REQUEST_HEADERS.get(command.code)
            elif command.code == 0:  # an answer of another code may leave its header empty
                header_class = RESPONSE_HEADERS.get(requests.get(entry["reply_to"], -1))
            else:
                continue
            if header_class is None or command.ext_fields is None:
                continue
            if is_made_by_hand(entry, command):
                continue
            sent = {n: t for n, t in command.ext_fields.items() if n not in EXTRA_FIELDS and t}
            header = command.decode_header(header_class)
            made = {n: t for n, t in header.encode().items() if t}
            added = {n: t for n, t in made.items() if n not in sent}
            assert {n: made.get(n) for n in sent} == sent, (path, entry["seq"])
            assert added.items() <= DEFAULTS.items(), (path, entry["seq"])
            checked += 1
    assert checked > 5000


def is_made_by_hand(entry: dict, command) -> bool:
    """Whether the recording sent a SEND_MESSAGE without its required fields on purpose."""
    return entry["name"] == "SEND_MESSAGE" and "producerGroup" not in command.ext_fields
