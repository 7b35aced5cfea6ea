"""Servers that can't start say why in one line and end with a code; what they would harm is unharmed."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from rmqwire.cli import main
from tests.support.broker import MemoryBroker
from tests.support.requests import send

RUNS_ON = "brokerName=b\nbrokerIP1=127.0.0.1\nbindAddress=127.0.0.1\nlistenPort=0\n"


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Call a command in this process: for starts that fail."""
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, [str(word) for word in arguments])


@pytest.fixture
def conf(tmp_path):
    """Write a broker.conf."""

    def write(text, base=RUNS_ON):
        path = tmp_path / "broker.conf"
        path.write_text(f"{base}storePathRootDir={tmp_path / 'store'}\n{text}\n")
        return path

    return write


def one_line(result, code):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listenPort=abc", "listenPort=abc: not a whole number"),
        ("listenPort=65536", "listenPort=65536: outside 0 to 65535"),
        ("flushDiskType=MAYBE", "flushDiskType=MAYBE: not one of ASYNC_FLUSH, SYNC_FLUSH"),
        ("brokerRole=KING", "brokerRole=KING: not one of ASYNC_MASTER, SYNC_MASTER, SLAVE"),
        ("brokerRole=SLAVE\nbrokerId=0", "Slave's brokerId must be > 0"),
        ("autoCreateTopicEnable=yes", "autoCreateTopicEnable=yes: not true or false"),
        ("rocketmqVersion=4.8.0", "rocketmqVersion=4.8.0: not one of 4.9.7, 5.5.0"),
        ("namesrvAddr=here", "The Name Server Address[here] illegal"),
        ("mappedFileSizeCommitLog=0", "mappedFileSizeCommitLog=0: outside"),
        ("messageDelayLevel=soon", "messageDelayLevel=soon: not a list of delays"),
        ("brokerName=../../etc", "brokerName=../../etc: a name has"),
        ("brokerIP1=no.such.host.invalid", "brokerIP1=no.such.host.invalid: no IP address"),
        ("brokerName=\\u12", "not a properties file"),
    ],
)
def test_a_wrong_broker_conf_is_a_wrong_call(call, conf, tmp_path, text, said):
    line = one_line(call("broker", "-c", conf(text)), 2)
    assert said in line
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("server", ["broker", "namesrv"])
def test_a_file_that_is_not_there(call, tmp_path, server):
    assert one_line(call(server, "-c", tmp_path / "no.conf"), 2).endswith(
        "no.conf: can't be read: No such file or directory"
    )
    assert one_line(call(server, "-c", tmp_path), 2).endswith("can't be read: Is a directory")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listenPort=abc", "listenPort=abc: not a whole number"),
        ("registerAllowList=10.0.0.0/99", "registerAllowList=10.0.0.0/99: "),
        ("rocketmqVersion=1", "not one of 4.9.7, 5.5.0"),
        ("a=\\u12", "not a properties file"),
    ],
)
def test_a_wrong_namesrv_conf_is_a_wrong_call(call, tmp_path, text, said):
    path = tmp_path / "namesrv.conf"
    path.write_text(text + "\n")
    assert said in one_line(call("namesrv", "-c", path), 2)


def test_a_port_in_use_is_named_and_leaves_the_store_clean(call, conf, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = one_line(call("broker", "-c", conf(f"listenPort={port}")), 1)
        assert line == f"Error: 127.0.0.1:{port} (listenPort): Address already in use"
        assert not (tmp_path / "store" / "abort").exists()
        line = one_line(call("namesrv", "--port", port, "--bind", "127.0.0.1"), 1)
        assert line == f"Error: 127.0.0.1:{port} (listenPort): Address already in use"
        line = one_line(call("broker", "-c", conf("bindAddress=999.9.9.9")), 1)
        assert "999.9.9.9" in line


def test_a_store_in_use_is_left_alone(call, conf, tmp_path):
    owner = MemoryBroker(tmp_path / "store")
    client = owner.connect()
    assert client.call(send(body=b"mine")).code == 0
    assert "lock" in one_line(call("broker", "-c", conf("")), 1)
    assert client.call(send(body=b"still mine")).code == 0
    owner.close()
    again = MemoryBroker(tmp_path / "store")
    assert again.state.store.max_offset("T", 0) == 2
    again.close()


@pytest.mark.parametrize("name", ["topics.json", "consumerOffset.json", "subscriptionGroup.json"])
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff" * 100])
def test_a_damaged_table_stops_the_start_and_is_not_overwritten(call, conf, tmp_path, name, damage):
    folder = tmp_path / "store" / "config"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(damage)
    line = one_line(call("broker", "-c", conf("")), 1)
    assert str(folder / name) in line
    assert "not starting from an empty table" in line
    assert (folder / name).read_bytes() == damage


def test_what_it_warns_of_when_it_starts(conf):
    text = "brokerIP1=127.0.0.1\nbindAddress=0.0.0.0\nnoSuchKey=1\ndisable.this=2\nbrokerId=3\n"
    command = [sys.executable, "-m", "rmqwire", "broker", "-c", str(conf(text))]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": ""}
    )
    said = ""
    while "data in" not in said:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said += line
    warnings = [process.stderr.readline() for _ in range(5)]
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert re.search(r"The broker\[b, 127\.0\.0\.1:\d+\] boot success", said)
    assert all(line.startswith("warning: ") for line in warnings)
    text = "".join(warnings)
    assert "unknown keys, ignored: disable.this, noSuchKey" in text
    assert "brokerId=3: a master is always 0" in text
    assert "no name server is set" in text
    assert "clients are told 127.0.0.1, which only this machine reaches" in text
    assert "neither access control nor TLS" in text


def test_printing_a_configuration_shows_its_warnings_too(call, conf, tmp_path):
    path = conf("brokerNmae=a\ntransientStorePoolEnable=true\ndiskMaxUsedSpaceRatio=99")
    result = call("broker", "-p", "-c", path)
    assert result.exit_code == 0
    assert "diskMaxUsedSpaceRatio=95\n" in result.stdout
    assert result.stderr == (
        "warning: unknown keys, ignored: brokerNmae\n"
        "warning: keys without meaning here, ignored: transientStorePoolEnable\n"
        "warning: diskMaxUsedSpaceRatio=99: taken as 95, as RocketMQ does\n"
    )
    path = tmp_path / "namesrv.conf"
    path.write_text("listenport=1\nserverWorkerThreads=2\n")
    result = call("namesrv", "-p", "-c", path)
    assert "serverWorkerThreads=2\n" in result.stdout
    assert result.stderr == (
        "warning: unknown keys, ignored: listenport\n"
        "warning: keys without meaning here, ignored: serverWorkerThreads\n"
    )
