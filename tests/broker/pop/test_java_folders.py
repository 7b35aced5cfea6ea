"""Folders that Java left with popped messages: what comes again here is what came again there."""

from __future__ import annotations

import json
import posixpath
import tarfile
from typing import Any

import pytest

from rmqwire.testing.memory_files import MemoryFiles
from tests.broker.pop.support import Consumer, PopBroker
from tests.support.golden import GOLDEN

FOLDERS = GOLDEN / "5.5.0" / "JSON-pop" / "folders"


def folder(name: str) -> MemoryFiles:
    """Return the folder as Java left it; its timer wheel is made anew, in a smaller size."""
    files = MemoryFiles()
    with tarfile.open(FOLDERS / f"pop_{name}.tar.gz") as tar:
        for member in tar.getmembers():
            if member.isfile() and member.name != "store/timerwheel":
                files.put(member.name, tar.extractfile(member).read())
                folder = posixpath.dirname(member.name)
                while folder:
                    files.folders.add(folder)
                    folder = posixpath.dirname(folder)
    return files


def size_of(files: MemoryFiles, kind: str) -> int:
    return next(len(data) for path, data in files.data.items() if f"/{kind}/" in path)


def java_got(record: dict[str, Any]) -> list[tuple[str, int]]:
    return sorted(
        (entry["body"], entry["reconsume"])
        for entry in record["after_restart"]
        if entry.get("topic") == "pend"
    )


@pytest.mark.parametrize("name", ["plain_clean", "plain_kill9", "merge_clean"])
def test_what_was_popped_at_java_comes_again(name):
    record = json.loads((FOLDERS / f"pop_{name}.json").read_text())
    files = folder(name)
    broker = PopBroker(
        files,
        now_ms=record["restarted_at_ms"],
        broker_name=f"gold-{record['variant']}",
        broker_cluster_name="GoldCluster",
        mapped_file_size_commit_log=size_of(files, "commitlog"),
        mapped_file_size_consume_queue=size_of(files, "consumequeue"),
        mapped_file_size_timer_log=size_of(files, "timerlog"),
        max_hash_slot_num=100,
        max_index_num=400,
    )
    broker.pass_time(1_000)
    in_order = Consumer(broker, "g_pordr", "pordr")
    got_in_order = in_order.pop(queue_id=0, order=True, attempt_id="y", invisible_time=60_000)
    told = [
        [message["body"] for message in entry["got"]]
        for entry in record["after_restart"]
        if "what" in entry and entry["what"].startswith("order pop right after")
    ]
    assert [m.body.decode() for m in got_in_order] in (told or [[]])
    consumer = Consumer(broker, "g_pend", "pend")
    came: list[tuple[str, int]] = []
    for _ in range(100):
        found = consumer.pop(invisible_time=600_000)
        came += [(message.body.decode(), message.reconsume_times) for message in found]
        broker.pass_time(1_000)
    late = (record["changed_to_60s"][0], 1)  # Java's was stopped before it came
    assert sorted(came) == sorted({*java_got(record), late})
    acked = {body for body, _ in record["acked"]}
    assert not acked & {body for body, _ in came}
    broker.close()
