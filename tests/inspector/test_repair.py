"""Repairs: what is changed is in the backup first, and the next start has every message left."""

from __future__ import annotations

import io
import json

import pytest

from rmqwire.codec.release import V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.errors import StoreError, StoreLocked
from rmqwire.inspector.export import export_messages
from rmqwire.inspector.repair import (
    LOST_MESSAGES,
    apply_repair,
    check_cut,
    default_cut,
    plan_repair,
)
from rmqwire.inspector.verify import verify_store
from tests.inspector.stores import unpack
from tests.inspector.test_verify import SECOND, all_bytes, flip, tear
from tests.support.stores import make_store, small_config

SIZES = {"mapped_file_size_commit_log": SECOND, "mapped_file_size_consume_queue": 2000}


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "5.5.0", "clean_shutdown")


@pytest.fixture
def damaged(store):
    flip(store / "commitlog" / f"{SECOND:020}", 300_000)
    return store


def relative(root):
    return {str(path.relative_to(root)): data for path, data in all_bytes(root).items()}


def test_a_cut_keeps_a_copy_of_all_it_changes(damaged, tmp_path):
    before = relative(damaged)
    cut_at = default_cut(verify_store(damaged))
    backup = tmp_path / "backup"
    done = apply_repair(plan_repair(damaged, cut_at=cut_at, rebuild=False), backup, RealFiles())
    kept, after = relative(backup), relative(damaged)
    lost = [json.loads(line) for line in kept.pop(LOST_MESSAGES).splitlines()]
    assert len(lost) == done["lost"] == 345
    assert min(row["offset"] for row in lost) > cut_at
    assert json.loads(kept.pop("repair.json")) == done
    assert all(before[name] == data for name, data in kept.items())
    changed = {name for name, data in before.items() if after.get(name) != data}
    assert changed == set(kept)
    assert set(after) - set(before) == {"abort"}
    report = verify_store(damaged)
    assert report.problems == []
    assert (report.records, report.log_end) == (480, cut_at)


def test_a_store_that_was_cut_opens_with_all_messages_left(damaged, tmp_path):
    plan = plan_repair(damaged, cut_at=default_cut(verify_store(damaged)), rebuild=False)
    apply_repair(plan, tmp_path / "backup", RealFiles())
    config = small_config(str(damaged), **SIZES)
    opened = make_store(RealFiles(), config=config, release=V5_5_0)
    report = opened.open()
    assert report.units_added == 480
    opened.close()
    checked = verify_store(damaged)
    assert checked.problems == []
    assert checked.units == 480


def test_derived_files_are_made_anew(store, tmp_path):
    flip(next((store / "consumequeue" / "gsst1" / "0").iterdir()), 47)
    whole = {name: data for name, data in relative(store).items() if name.startswith("commitlog")}
    assert default_cut(verify_store(store)) is None
    apply_repair(plan_repair(store, cut_at=None, rebuild=True), tmp_path / "backup", RealFiles())
    opened = make_store(RealFiles(), config=small_config(str(store), **SIZES), release=V5_5_0)
    opened.open()
    opened.close()
    report = verify_store(store)
    assert report.problems == []
    assert report.units == report.records == 826
    after = relative(store)
    assert all(after[name] == data for name, data in whole.items())


def test_a_torn_tail_is_zeroed(store, tmp_path):
    end = verify_store(store).log_end
    last = tear(store, end)
    report = verify_store(store)
    assert default_cut(report) == report.log_end < end
    plan = plan_repair(store, cut_at=report.log_end, rebuild=False)
    apply_repair(plan, tmp_path / "backup", RealFiles())
    assert not any(last.read_bytes()[report.log_end - 2 * SECOND :])
    assert verify_store(store).problems == []


def test_a_cut_must_not_halve_a_record(store):
    report = verify_store(store)
    check_cut(store, report, 0)
    check_cut(store, report, report.log_end)
    for offset in (1, report.log_end + 1):
        with pytest.raises(StoreError, match=f"no record begins at {offset}"):
            check_cut(store, report, offset)
    with pytest.raises(StoreError, match="not in this commit log"):
        check_cut(store, report, 10**9)


def test_nothing_is_touched_while_a_broker_has_the_store(damaged, tmp_path):
    files = RealFiles()
    lock = files.lock(str(damaged / "lock"))
    before = all_bytes(damaged)
    try:
        with pytest.raises(StoreLocked):
            apply_repair(plan_repair(damaged, cut_at=0, rebuild=True), tmp_path / "b", files)
    finally:
        files.unlock(lock)
    assert all_bytes(damaged) == before
    assert not (tmp_path / "b").exists()


def test_a_backup_folder_is_never_written_over(damaged, tmp_path):
    before = all_bytes(damaged)
    with pytest.raises(StoreError, match="is there already"):
        apply_repair(plan_repair(damaged, cut_at=0, rebuild=True), tmp_path, RealFiles())
    assert all_bytes(damaged) == before


def test_a_plan_with_nothing_to_do_has_no_steps(store):
    assert plan_repair(store, cut_at=None, rebuild=False).steps() == []


def test_export_gives_messages_behind_damage_too(damaged):
    out = io.StringIO()
    assert export_messages(damaged, out) == 825
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {row["topic"] for row in rows} >= {"gsst1", "gsst2"}
    assert rows[-1]["offset"] > SECOND + 300_000
