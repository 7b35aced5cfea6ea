"""Recorded odd requests and their answers: asked of real servers over TCP, answered as by Java."""

from __future__ import annotations

import re

import pytest

from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.command import decode_command
from rmqwire.codec.release import release_named
from tests.end_to_end.support import cluster, healthy, tracebacks
from tests.support.golden import GOLDEN, frames
from tests.support.requests import send

RUNS = ["4.9.7/JSON", "4.9.7/ROCKETMQ", "5.5.0/JSON", "5.5.0/ROCKETMQ"]
GOLD = {"brokerName": "gold-a", "brokerClusterName": "GoldCluster", "maxMessageSize": "65536"}
PORT = re.compile(r"127\.0\.0\.1:\d+")
NULL_POINTER = "java.lang.NullPointerException"  # Java's way to say that a field is missing
STORED = {0, 11}  # that broker was a SYNC_MASTER without a slave


def recorded(run: str, scenario: str) -> list[tuple[dict, bytes, bytes]]:
    """Return (entry, request, answer) of a recording."""
    (path,) = (GOLDEN / run).glob(f"{scenario}.jsonl*")
    found = {entry["seq"]: (entry, frame) for entry, frame in frames(path)}
    return [
        (*found[entry["reply_to"]], frame)
        for entry, frame in found.values()
        if entry["kind"] == "response" and entry.get("reply_to") in found
    ]


def said(remark: str | None) -> str:
    return PORT.sub("ADDR", remark or "")


@pytest.mark.parametrize("run", RUNS)
async def test_requests_with_errors_to_the_broker(tmp_path, caplog, run):
    release = release_named(run[:5])
    async with cluster(tmp_path, release, **GOLD) as here, here.wire() as wire:
        topics = here.server.core.state.topics
        for name in ("goldt1", "goldpush"):
            topics.update(TopicConfig(topic_name=name, read_queue_nums=2, write_queue_nums=2))
        for _ in range(6):  # the pulls and offsets of the recording find something
            assert (await wire.call(send("goldt1", b"x"))).code == 0
        asked = recorded(run, "b_raw_errors")
        assert len(asked) >= 19
        for entry, request, answer in asked:
            java = decode_command(answer)
            await wire.send(request)
            frame = await wire.frame()
            assert frame is not None, entry
            ours = decode_command(frame)
            assert ours.opaque == java.opaque
            assert ours.serialize_type == java.serialize_type
            assert (ours.code in STORED) if java.code in STORED else ours.code == java.code, entry
            if NULL_POINTER in (java.remark or ""):
                assert "the custom field <" in ours.remark
            elif ours.code:
                assert said(ours.remark) == said(java.remark)
            assert set(ours.ext_fields or {}) >= set(java.ext_fields or {}) - {"transactionId"}, (
                entry
            )
        await healthy(wire)
    assert not tracebacks(caplog)


@pytest.mark.parametrize("run", RUNS)
async def test_questions_to_the_name_server(tmp_path, caplog, run):
    """The broker's own topics differ from those of the recording: bodies are compared elsewhere."""
    async with cluster(tmp_path, release_named(run[:5]), **GOLD) as here:
        async with here.wire(here.namesrv) as wire:
            asked = recorded(run, "a_route_queries")
            assert len(asked) >= 15
            for entry, request, answer in asked:
                java = decode_command(answer)
                await wire.send(request)
                frame = await wire.frame()
                assert frame is not None, entry
                ours = decode_command(frame)
                assert (ours.code, ours.opaque) == (java.code, java.opaque), entry
                assert said(ours.remark) == said(java.remark)
                assert (ours.ext_fields or {}) == (java.ext_fields or {})
                assert bool(len(ours.body)) == bool(len(java.body)), entry
        async with here.wire() as wire:
            await healthy(wire)
    assert not tracebacks(caplog)
