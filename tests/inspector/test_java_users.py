"""A Java broker's users are taken over from its RocksDBs, and ours decide as it did."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from rmqwire.auth.auth_table import AuthTable
from rmqwire.cli.store import store_group
from rmqwire.codec.bodies import UserInfo
from rmqwire.codec.release import V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from tests.inspector.stores import held, unpack_archive
from tests.support.golden import GOLDEN

ROCKSDB = GOLDEN / "5.5.0" / "JSON-acl2" / "rocksdb.tar.gz"
NAMES = ["admin", "alice", "badtype", "bob", "carol", "dave", "eve", "gone", "root2"]


@pytest.fixture
def store(tmp_path):
    pytest.importorskip("rocksdict")
    return unpack_archive(tmp_path, ROCKSDB)


def run(*args):
    return CliRunner().invoke(store_group, ["import-users", *map(str, args)])


def table_of(store):
    file = ConfigFile(str(store / "config" / "auth.json"), RealFiles(), holds="users", private=True)
    table = AuthTable(file, V5_5_0)
    assert table.load()
    return table


def may(table, user, topic, action="Pub", host="127.0.0.1"):
    return table.decide(user, "Topic", topic, frozenset((action,)), host)


def test_users_come_with_their_passwords_kinds_states_and_policies(store):
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    done = run(store)
    assert (done.exit_code, done.stdout.splitlines()) == (0, [f"imported {name}" for name in NAMES])
    table = table_of(store)
    assert list(table.users) == NAMES
    assert table.users["admin"] == UserInfo("admin", "admin-secret", "Super", "enable")
    assert table.users["gone"] == UserInfo("gone", "gone-secret", "Normal", "disable")
    assert may(table, "alice", "ta") == may(table, "alice", "ta", "Sub") == "Allow"
    assert may(table, "alice", "ta", host="127.0.0.2") is None
    assert may(table, "bob", "secret-1") == "Deny"
    assert may(table, "bob", "secret-ok") == may(table, "bob", "tb") == "Allow"
    assert may(table, "carol", "ta", host="10.9.9.9") == "Allow"
    assert {path: path.read_bytes() for path in before} == before
    assert (store / "config" / "auth.json").stat().st_mode & 0o777 == 0o600


def test_a_user_that_our_broker_has_stays_as_it_is(store):
    run(store)
    table_of(store).update_user(UserInfo("bob", "changed"))
    done = run(store)
    assert done.stdout.splitlines() == [f"kept {name}" for name in NAMES]
    assert table_of(store).users["bob"].password == "changed"


def test_a_damaged_database_changes_nothing(store):
    [rows] = (store / "config" / "users").glob("*.sst")
    rows.write_bytes(b"\0" * 2104)
    done = run(store)
    assert done.exit_code == 2
    assert f"{store}/config/users: RocksDB says" in done.stderr
    assert not (store / "config" / "auth.json").exists()


def test_a_folder_without_databases_and_one_of_a_running_broker_are_refused(tmp_path):
    absent = run(tmp_path, "--from", tmp_path / "elsewhere")
    assert absent.exit_code == 2
    assert absent.stderr == f"Error: {tmp_path}/elsewhere/users: no RocksDB\n"
    with held(tmp_path):
        busy = run(tmp_path)
    assert (busy.exit_code, busy.stderr) == (
        2,
        f"Error: {tmp_path}: a broker has it open; stop it first\n",
    )


def test_without_rocksdict_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    root = unpack_archive(tmp_path, ROCKSDB)
    done = run(root)
    assert done.exit_code == 2
    assert "pip install 'rmqwire[rocksdb]'" in done.stderr
