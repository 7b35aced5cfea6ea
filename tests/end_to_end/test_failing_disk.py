"""A disk that fails under a running broker: what is answered, what goes on, who is told."""

from __future__ import annotations

import errno
import threading
from functools import partial

import pytest
import trio

from rmqwire.broker import table_rounds
from rmqwire.broker.broker import Broker
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.record import iter_messages
from rmqwire.disk.files import RealFiles
from tests.end_to_end import support
from tests.end_to_end.support import PATIENCE_S, cluster, healthy
from tests.support import requests
from tests.support.faulty_files import FOR_EVER, Fault, FaultyFiles


@pytest.fixture
def disk(monkeypatch):
    """The disk of the broker that ``cluster`` starts; faults are added while it runs."""
    files = FaultyFiles(RealFiles())
    monkeypatch.setattr(support, "Broker", partial(Broker, files=files))
    return files


async def left_the_name_server(here):
    question = RemotingCommand(105, {"topic": "SELF_TEST_TOPIC"})
    async with here.wire(here.namesrv) as wire:
        with trio.fail_after(PATIENCE_S):
            while not (await wire.call(question)).code:  # noqa: ASYNC110  it goes by itself
                await trio.sleep(0.01)


async def pulled(wire, topic, offset):
    return await wire.call(requests.pull(topic, offset))


@pytest.mark.parametrize("wait", ["true", "false"])
async def test_a_failed_fsync_is_no_ok_and_the_broker_leaves(tmp_path, disk, wait):
    """D5: once EIO, then OK again. WAIT=false was answered before the disk was asked."""
    async with cluster(tmp_path, flushDiskType="SYNC_FLUSH") as here, here.wire() as wire:
        await healthy(wire)
        disk.faults = [Fault("datasync", "commitlog")]
        answer = await wire.call(requests.send("Healthy", b"x", properties=f"WAIT\x01{wait}\x02"))
        assert answer.code == (10 if wait == "true" else 0)
        await left_the_name_server(here)
        for _ in range(3):
            answer = await wire.call(requests.send("Healthy", b"y"))
            assert answer.code == 14
            assert "flush of the store failed" in answer.remark
        assert (await pulled(wire, "Healthy", 0)).code == 0
        assert disk.spoilt == [("datasync", disk.spoilt[0][1])]  # never asked again


async def test_a_failed_write_is_not_acknowledged_and_reads_go_on(tmp_path, disk):
    """D6: half of it was written."""
    async with cluster(tmp_path) as here, here.wire() as wire:
        await healthy(wire)
        end = here.server.core.state.store.max_phy_offset
        disk.faults = [Fault("write", "commitlog", short=True)]
        answer = await wire.call(requests.send("Healthy", b"lost"))
        assert answer.code == 14
        assert "write of the commit log failed" in answer.remark
        assert here.server.core.state.store.max_phy_offset == end
        assert (await pulled(wire, "Healthy", 0)).code == 0
        await left_the_name_server(here)


async def test_a_failed_read_fails_that_pull_alone(tmp_path, disk):
    """Of a plain pull the lane reads first; what it can't read comes as a request, which reads again."""
    async with cluster(tmp_path, messageIndexEnable="false") as here, here.wire() as wire:
        await healthy(wire, "A")
        await healthy(wire, "B")
        disk.faults = [Fault("pread", "commitlog", times=FOR_EVER)]
        assert (await pulled(wire, "A", 0)).code == 1
        disk.faults = []
        assert (await pulled(wire, "B", 0)).code == 0
        assert (await pulled(wire, "A", 0)).code == 0


async def test_a_full_disk_is_named_and_tried_again(tmp_path, disk):
    """D8: no room for the next file, then there is."""
    async with cluster(tmp_path, mappedFileSizeCommitLog="4096") as here, here.wire() as wire:
        await healthy(wire)
        disk.faults = [Fault("fallocate", "commitlog", times=FOR_EVER, code=errno.ENOSPC)]
        answers = [await wire.call(requests.send("Healthy", b"z" * 900)) for _ in range(6)]
        full = [answer for answer in answers if answer.code]
        assert {answer.code for answer in full} == {14}
        assert all("no space left for" in answer.remark for answer in full)
        stored = await pulled(wire, "Healthy", 1)
        assert len(list(iter_messages(stored.body))) == len(answers) - len(full)
        disk.faults = []
        with trio.fail_after(PATIENCE_S):
            while (await wire.call(requests.send("Healthy", b"again"))).code:  # noqa: ASYNC110  asks
                await trio.sleep(0.1)


async def test_others_are_served_while_the_disk_hangs(tmp_path, monkeypatch):
    """D10: an fdatasync that doesn't come back stops neither pulls nor the answer 10."""
    goes_on = threading.Event()
    disk = FaultyFiles(RealFiles(), sleep=lambda _: goes_on.wait(PATIENCE_S))
    monkeypatch.setattr(support, "Broker", partial(Broker, files=disk))
    settings = {"flushDiskType": "SYNC_FLUSH", "syncFlushTimeout": "500"}
    async with cluster(tmp_path, **settings) as here, here.wire() as wire:
        await healthy(wire)
        disk.faults = [Fault("datasync", "commitlog", delay_s=1)]
        try:
            late = await wire.call(requests.send("Healthy", b"slow"))
            async with here.wire() as other:
                for _ in range(20):
                    assert (await pulled(other, "Healthy", 0)).code == 0
        finally:
            goes_on.set()
        assert late.code == 10  # stored, not promised
        assert (await wire.call(requests.send("Healthy", b"after"))).code == 0
        answer = await pulled(wire, "Healthy", 1)
        assert [one.body for one in iter_messages(answer.body)] == [b"slow", b"after"]


async def test_d10_others_are_served_while_a_table_hangs(tmp_path, monkeypatch):
    """D10: who creates a topic waits until topics.json is on the disk, nobody else does."""
    goes_on, asked = threading.Event(), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def hang(_):
        token.run_sync_soon(asked.set)
        goes_on.wait(PATIENCE_S)

    disk = FaultyFiles(RealFiles(), sleep=hang)
    monkeypatch.setattr(support, "Broker", partial(Broker, files=disk))
    async with cluster(tmp_path) as here, here.wire() as wire, here.wire() as other:
        await healthy(wire)
        disk.faults = [Fault("datasync", "topics.json", delay_s=1)]
        try:
            await wire.send(encode_command(requests.create_topic("Fresh")))
            await asked.wait()
            for _ in range(20):
                assert (await pulled(other, "Healthy", 0)).code == 0
                assert (await other.call(requests.heartbeat())).code == 0
            assert (await other.call(requests.send("Fresh", b"at once"))).code == 0
            with trio.move_on_after(0.05) as unanswered:
                await wire.frame()
            assert unanswered.cancelled_caught
        finally:
            goes_on.set()
        assert decode_command(await wire.frame()).code == 0
        text = (tmp_path / "store" / "config" / "topics.json").read_text()
        assert '"Fresh"' in text


async def has_written(file, topic):
    """Return when a topic is in its table's file, where it comes by itself."""
    with trio.fail_after(PATIENCE_S):
        while not file.is_file() or f'"{topic}"' not in file.read_text():  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_d6_a_table_that_is_refused_is_not_acknowledged_and_tried_again(
    tmp_path, disk, monkeypatch
):
    monkeypatch.setattr(table_rounds, "RETRY_S", 0.05)
    file = tmp_path / "store" / "config" / "topics.json"
    async with cluster(tmp_path) as here, here.wire() as wire:
        await healthy(wire)
        await has_written(file, "Healthy")
        disk.faults = [Fault("datasync", "topics.json", code=errno.ENOSPC)]
        await wire.send(encode_command(requests.create_topic("Fresh")))
        assert await wire.frame() is None
        async with here.wire() as again:
            await healthy(again)
        await has_written(file, "Fresh")


async def test_d6_a_table_that_is_refused_to_the_end_is_written_at_the_stop(tmp_path, disk):
    async with cluster(tmp_path) as here, here.wire() as wire:
        disk.faults = [Fault("datasync", "topics.json")]
        await wire.send(encode_command(requests.create_topic("Fresh")))
        assert await wire.frame() is None
    assert '"Fresh"' in (tmp_path / "store" / "config" / "topics.json").read_text()


async def test_a_table_that_can_not_be_encoded_ends_neither_the_broker_nor_the_others(
    tmp_path, disk, monkeypatch
):
    monkeypatch.setattr(table_rounds, "RETRY_S", 0.05)
    async with cluster(tmp_path) as here, here.wire() as wire:
        await healthy(wire)
        with monkeypatch.context() as odd:
            odd.setattr(here.server.core.state.topics.writer, "_snapshot", lambda: 1 // 0)
            await wire.send(encode_command(requests.create_topic("Fresh")))
            assert await wire.frame() is None
        async with here.wire() as again:
            await healthy(again)
            assert (await again.call(requests.create_topic("Next"))).code == 0
    assert '"Next"' in (tmp_path / "store" / "config" / "topics.json").read_text()
