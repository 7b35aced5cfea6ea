"""The server commands as processes: start, signals, folders in use."""

import re
import signal
import subprocess
import sys

import pytest


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "rmqwire", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_until(process, pattern):
    seen = ""
    while not re.search(pattern, seen):
        line = process.stdout.readline()
        assert line, process.stderr.read()
        seen += line
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_standalone_ends_cleanly(tmp_path, number):
    ports = ["--namesrv-port", "0", "--broker-port", "0"]
    process = start("standalone", "--data", tmp_path / "data", *ports)
    said = lines_until(process, r"data in .*\n")
    assert "The Name Server boot success" in said
    assert "The broker[broker-a, 127.0.0.1:" in said
    assert (tmp_path / "data" / "store" / "abort").exists()
    second = start("standalone", "--data", tmp_path / "data", *ports)
    out, err = second.communicate(timeout=30)
    assert (second.returncode, out) == (1, "")
    assert err.startswith("Error: ")
    assert "lock" in err
    assert len(err.splitlines()) == 1
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert not (tmp_path / "data" / "store" / "abort").exists()


def test_namesrv_and_broker(tmp_path):
    namesrv = start("namesrv", "--port", "0", "--bind", "127.0.0.1")
    said = lines_until(namesrv, r"address .*\n")
    addr = re.search(r"address (\S+)", said)[1]
    conf = tmp_path / "broker.conf"
    conf.write_text(
        f"brokerName=b\nbrokerIP1=127.0.0.1\nlistenPort=0\nmappedFileSizeCommitLog=1048576\n"
        f"storePathRootDir={tmp_path / 'store'}\nbindAddress=127.0.0.1\n"
    )
    broker = start("broker", "-c", conf, "-n", addr)
    said = lines_until(broker, r"data in .*\n")
    assert f"name server is {addr}" in said
    port = addr.rpartition(":")[2]
    taken = start("namesrv", "--port", port, "--bind", "127.0.0.1")
    _, err = taken.communicate(timeout=30)
    assert (taken.returncode, err) == (1, f"Error: {addr}: Address already in use\n")
    for process in (broker, namesrv):
        process.terminate()
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
