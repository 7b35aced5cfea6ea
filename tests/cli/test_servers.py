"""The server commands as processes: start, signals, folders in use."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest


def start(*arguments, **variables):
    return subprocess.Popen(
        [sys.executable, "-m", "rmqwire", *map(str, arguments)],
        env=os.environ | variables,
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
    assert (taken.returncode, err) == (1, f"Error: {addr} (listenPort): Address already in use\n")
    for process in (broker, namesrv):
        process.terminate()
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")


def test_a_container_s_servers_need_no_file_and_tell_their_health(tmp_path):
    file = tmp_path / "addresses"
    here = {"RMQWIRE_LISTEN_PORT": "0", "RMQWIRE_BIND_ADDRESS": "127.0.0.1", "HOME": str(tmp_path)}
    namesrv = start("namesrv", RMQWIRE_ADDRESS_FILE=str(tmp_path / "other"), **here)
    addr = re.search(r"address (\S+)", lines_until(namesrv, r"address .*\n"))[1]
    variables = here | {
        "RMQWIRE_NAMESRV_ADDR": addr,
        "RMQWIRE_BROKER_NAME": "b",
        "RMQWIRE_ADVERTISED_HOST": "127.0.0.1",
        "RMQWIRE_MAPPED_FILE_SIZE_COMMIT_LOG": "1048576",
        "RMQWIRE_STORE_PATH_ROOT_DIR": str(tmp_path / "store"),
        "RMQWIRE_ADDRESS_FILE": str(file),
    }

    def health():
        process = start("admin", "health", RMQWIRE_ADDRESS_FILE=str(file))
        return *process.communicate(timeout=30), process.returncode

    assert health() == ("", f"Error: no server runs: there is no {file}\n", 1)
    broker = start("broker", **variables)
    said = lines_until(broker, r"data in .*\n")
    at = re.search(r"listens on (\S+),", said)[1]
    assert f"The broker[b, {at}] boot success. serializeType=JSON and name server is {addr}" in said
    while not file.exists():
        time.sleep(0.01)
    assert health() == (f"broker {at} answers\n", "", 0)
    for process in (broker, namesrv):
        process.terminate()
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
    assert not file.exists()
