"""The files of access control: which are read, when, and what happens to those that can't be used."""

from __future__ import annotations

import errno
import logging
import stat

import pytest

from rmqwire.auth import plain_acl
from rmqwire.auth.acl_edit import AclEditor
from rmqwire.auth.addresses import host_of
from rmqwire.auth.plain_acl import PlainAcl
from rmqwire.codec.bodies import PlainAccessConfig
from rmqwire.codec.command import RemotingCommand
from rmqwire.disk.files import RealFiles
from rmqwire.errors import AclError, ConfigError
from tests.auth.support import HOME, NOW_MS, PATH, acl_of, put, sign
from tests.support.memory_files import MemoryFiles

ONE = "accounts:\n- {accessKey: account, secretKey: canary-secret, admin: true}\n"
OTHER = "accounts:\n- {accessKey: account-2, secretKey: canary-secret, admin: true}\n"
BROKEN = "accounts:\n- {accessKey: account, secretKey: canary-secret\n- !!x"
FOLDER = f"{HOME}/conf/acl"


def allowed(acl, key="account", secret="canary-secret", peer="127.0.0.1:5", code=17):
    try:
        acl.check(peer, sign(RemotingCommand(code, {"topic": "T"}), key, secret))
    except AclError:
        return False
    return True


def test_an_absent_file_is_made_and_lets_nobody_pass(caplog):
    files = MemoryFiles()
    acl = PlainAcl(HOME, files, lambda: NOW_MS)
    acl.open()
    assert files.data[PATH] == b""
    assert "holds no account: every request is refused" in caplog.text
    assert not allowed(acl)


def test_all_files_below_the_folder_are_read_and_the_first_that_has_a_key_counts(caplog):
    files = MemoryFiles()
    put(files, f"{FOLDER}/a.yml", OTHER)
    put(
        files,
        f"{FOLDER}/deep/er/b.yaml",
        "accounts:\n- {accessKey: account-3, secretKey: canary-3}\n",
    )
    put(files, f"{FOLDER}/c.txt", BROKEN)
    acl = acl_of(ONE + "- {accessKey: account-2, secretKey: canary-other}\n", files=files)
    assert set(acl.table.accounts) == {"account", "account-2", "account-3"}
    assert allowed(acl, "account-2")
    assert "accessKey account-2 stands there twice" in caplog.text
    assert "canary" not in caplog.text


def test_changed_files_are_used_and_broken_ones_change_nothing(caplog):
    caplog.set_level(logging.INFO)
    files = MemoryFiles()
    acl = acl_of(ONE, files=files)
    acl.take(acl.read_files())
    assert caplog.text == ""
    put(files, PATH, BROKEN)
    for _ in range(2):
        acl.take(acl.read_files())
    assert caplog.text.count("access control stays as it was") == 1
    assert allowed(acl)
    put(files, PATH, OTHER)
    acl.take(acl.read_files())
    assert not allowed(acl)
    assert allowed(acl, "account-2")
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        BROKEN, "[canary-secret]", "canary-secret", "accounts: canary-secret", "accounts: [canary-secret]",
        "accounts: [{accessKey: account, secretKey: canary}]", "accounts: [{accessKey: account, secretKey: [canary-secret]}]",
        "accounts: [{accessKey: account, secretKey: canary-secret, admin: perhaps}]",
        "accounts: [{accessKey: account, secretKey: canary-secret, topicPerms: T=PUB}]",
        "dataVersion: [canary-secret]", "dataVersion: canary-secret", "secretKey: 2020-13-45\n",
        "\x00canary-secret", "a: &canary-secret [*canary]",
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_stop_the_start_without_a_word_of_a_secret(text):
    with pytest.raises(ConfigError, match=f"aclEnable=true: {PATH}") as caught:
        acl_of(text)
    assert "canary" not in str(caught.value)


def test_a_disk_that_fails_stops_the_start():
    files = MemoryFiles()
    put(files, PATH, ONE)
    files.fail("open", PATH, errno.EACCES)
    with pytest.raises(ConfigError, match=f"aclEnable=true: {PATH}: injected"):
        acl_of(ONE, files=files)


def test_a_white_list_is_remembered_for_so_many_addresses(monkeypatch):
    monkeypatch.setattr(plain_acl, "MAX_HOSTS", 2)
    acl = acl_of("globalWhiteRemoteAddresses: [10.*.*.*]\n")
    for number in range(9):
        acl.check(f"10.0.0.{number}:1", RemotingCommand(17))
        assert len(acl._white) <= 2
    with pytest.raises(AclError, match="No accessKey is configured"):
        acl.check("11.0.0.1:1", RemotingCommand(17))


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("127.0.0.1:80", "127.0.0.1"), ("[::1]:80", "::1"), ("[::ffff:10.0.0.1]:80", "10.0.0.1"),
        ("[::FFFF:10.0.0.1]:80", "10.0.0.1"), ("[fe80::1%eth0]:80", "fe80::1%eth0"), ("10.0.0.1", "10.0.0.1"),
    ],
)  # fmt: skip
def test_the_address_of_a_peer(peer, host):
    assert host_of(peer) == host


def test_a_heartbeat_that_cannot_be_read_is_refused():
    acl = acl_of(ONE)
    request = sign(RemotingCommand(34, {}, b"{canary"), "account", "canary-secret")
    with pytest.raises(AclError) as caught:
        acl.check("127.0.0.1:5", request)
    assert caught.value.frame.endswith("parse(PlainAccessValidator.java:134)")


def test_what_is_written_is_the_owners_alone(tmp_path):
    path = tmp_path / "conf" / "plain_acl.yml"
    acl = PlainAcl(str(tmp_path), RealFiles(), lambda: NOW_MS)
    acl.open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(ONE)
    path.chmod(0o644)
    path.with_suffix(".yml.tmp").write_text("left over")
    acl.take(acl.read_files())
    editor = AclEditor(acl, lambda: NOW_MS)
    assert editor.set_white_addresses(["10.0.0.1"], None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["plain_acl.yml"]


def test_an_account_is_changed_in_the_file_that_it_stands_in():
    files = MemoryFiles()
    put(files, f"{FOLDER}/a.yml", OTHER)
    acl = acl_of(ONE, files=files)
    editor = AclEditor(acl, lambda: NOW_MS)
    editor.update_account(PlainAccessConfig(access_key="account-2", secret_key="new-secret"))
    assert b"new-secret" in files.data[f"{FOLDER}/a.yml"]
    assert files.data[PATH] == ONE.encode()
    assert not allowed(acl, "account-2", "new-secret")
    assert allowed(acl, "account-2", "new-secret", code=35)
    assert editor.set_white_addresses(["127.0.0.1"], f"{FOLDER}/a.yml")
    assert allowed(acl, "nobody")


def test_an_edit_that_the_disk_refuses_changes_nothing():
    files = MemoryFiles()
    acl = acl_of(ONE, files=files)
    files.fail("rename", "plain_acl.yml", errno.ENOSPC)
    with pytest.raises(OSError, match="injected"):
        AclEditor(acl, lambda: NOW_MS).delete_account("account")
    assert files.data[PATH] == ONE.encode()
    assert allowed(acl)


def test_an_account_whose_line_was_taken_away_meanwhile_cannot_be_deleted():
    files = MemoryFiles()
    acl = acl_of(ONE, files=files)
    put(files, PATH, OTHER)
    assert not AclEditor(acl, lambda: NOW_MS).delete_account("account")
