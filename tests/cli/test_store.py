from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rmqwire.cli.store import store_group
from tests.inspector.stores import held, unpack
from tests.inspector.test_verify import SECOND, all_bytes, flip


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "5.5.0", "clean_shutdown")


@pytest.fixture
def damaged(store):
    flip(store / "commitlog" / f"{SECOND:020}", 300_000)
    return store


def run(*args):
    return CliRunner().invoke(store_group, [str(arg) for arg in args])


def test_exit_codes_of_verify(store, tmp_path):
    clean = run("verify", store)
    assert clean.exit_code == 0
    assert clean.stdout.splitlines()[-1] == "clean"
    assert "826 records, 0 to 2194926" in clean.stdout
    flip(store / "commitlog" / f"{0:020}", 50_000)
    damaged = run("verify", store, "--json")
    assert damaged.exit_code == 1
    assert json.loads(damaged.stdout)["clean"] is False
    absent = run("verify", tmp_path / "nothing")
    assert (absent.exit_code, absent.stdout) == (2, "")
    assert absent.stderr == f"Error: {tmp_path}/nothing: no such folder\n"
    wrong = run("verify", store, "--delay-levels", "1s now")
    assert wrong.exit_code == 2
    assert "numbers with s, m, h or d" in wrong.stderr


def test_repair_says_what_it_would_do_and_does_it_only_when_told(damaged, tmp_path):
    before = all_bytes(damaged)
    told = run("repair", damaged, "--cut")
    assert told.exit_code == 1
    assert "would copy" in told.stdout
    assert "nothing was changed: add --yes" in told.stdout
    assert all_bytes(damaged) == before
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    done = run("repair", damaged, "--cut", "--yes", "--backup", tmp_path / "backup")
    assert done.exit_code == 0, done.output
    assert "345 messages behind it are in" in done.stdout
    assert run("verify", damaged).exit_code == 0


def test_without_a_way_nothing_is_repaired(damaged):
    told = run("repair", damaged, "--yes")
    assert told.exit_code == 1
    assert told.output.splitlines()[-1] == (
        "nothing was changed: say how, with --cut, --at or --rebuild"
    )


def test_the_backup_lies_beside_the_store_by_default(damaged, tmp_path):
    assert run("repair", damaged, "--rebuild", "--at", 0, "--yes").exit_code == 0
    (backup,) = (path for path in tmp_path.iterdir() if path != damaged)
    assert backup.name.startswith("store.repair-")
    assert (backup / "repair.json").exists()


def test_a_clean_store_has_nothing_to_cut(store):
    result = run("repair", store, "--cut", "--yes")
    assert result.exit_code == 0
    assert "nothing to cut" in result.stdout


def test_an_export_needs_no_yes_and_overwrites_nothing(damaged, tmp_path):
    target = tmp_path / "all.jsonl"
    assert run("repair", damaged, "--export", target).exit_code == 1
    assert len(target.read_text().splitlines()) == 825
    again = run("repair", damaged, "--export", target)
    assert again.exit_code == 2
    assert "File exists" in again.stderr


def test_a_store_that_a_broker_has_open_is_left_alone(damaged):
    before = all_bytes(damaged)
    with held(damaged):
        refused = run("repair", damaged, "--cut", "--yes")
        assert refused.exit_code == 2
        assert "a broker has it open" in refused.stderr
        assert "moving target" in run("verify", damaged).stdout
    assert all_bytes(damaged) == before
