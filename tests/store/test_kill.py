"""A process that is killed while it stores: what it was told is stored is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rmqwire.codec.record import decode_message
from rmqwire.disk.files import RealFiles
from tests.support.stores import make_store, small_config

WRITER = """
import sys
from rmqwire.disk.files import RealFiles
from tests.support.stores import make_store, message, small_config
store = make_store(RealFiles(), config=small_config(sys.argv[1], mapped_file_size_commit_log=16384))
store.open()
told = []
for n in range(1_000_000):
    store.puts.put(message(queue_id=n % 5, body=b"%08d" % n * 9), told.append)
    if n % 7 == 6:
        store.puts.end_pass()
        for result in told:
            print(result.status, result.physical_offset, result.queue_offset, flush=True)
        told.clear()
    if n % 500 == 499:
        store.queues.write_tails()
"""
ANSWERS = 700


def test_killed_with_sigkill(tmp_path):
    root = str(tmp_path / "store")
    here = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, root], stdout=subprocess.PIPE, cwd=here
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(ANSWERS)]
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    answers = [tuple(map(int, line.split())) for line in lines if line.endswith(b"\n")]
    config = small_config(root, mapped_file_size_commit_log=16384)
    store = make_store(RealFiles(), config=config)
    report = store.open()
    assert not report.clean
    assert len(answers) >= ANSWERS
    for n, (status, offset, queue_offset) in enumerate(answers):
        record = store.look_message(offset)
        assert record is not None
        found = decode_message(record)
        assert (status, found.queue_offset, found.body) == (0, queue_offset, b"%08d" % n * 9)
        assert store.physical_offset("T", n % 5, queue_offset) == offset
    store.close()
