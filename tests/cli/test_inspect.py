from __future__ import annotations

import json
import sys

import pytest
from click import unstyle
from click.testing import CliRunner
from rich.console import Console

from rmqwire.cli import main
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.consume_queue import ConsumeQueueExtUnit, pack_ext_unit
from tests.inspector.stores import unpack


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("inspect"), "5.5.0", "kill9")


def run(*args, data=None):
    return CliRunner().invoke(main, ["inspect", *map(str, args)], input=data)


def test_a_commit_log_as_a_table(store):
    result = run("commitlog", store, "--limit", 3)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == (
        [
            "offset",
            "size",
            "topic:queue",
            "queueOffset",
            "stored",
            "born",
            "host",
            "tags",
            "key",
            "body",
        ]
    )
    assert len(lines) == 4
    assert "gsst1:1" in lines[1]
    assert "more than 3 rows" in result.stderr


def test_a_commit_log_as_json(store):
    result = run("commitlog", store, "--json", "--topic", "gsst2")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["topic"] for row in rows} == {"gsst2"}
    assert result.stderr == ""


def test_consume_queues_index_and_checkpoint(store):
    result = run("consumequeue", store / "consumequeue" / "gsst1", "--limit", 0)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 800
    assert run("index", store, "--limit", 2).stdout.splitlines()[1].split()[1] == "1"
    assert "confirmPhyOffset" in run("checkpoint", store).stdout
    config = run("config", store).stdout.splitlines()
    assert any(line.split()[:3] == ["topics.json", "topicConfigTable", "gsst1"] for line in config)
    rows = [json.loads(line) for line in run("checkpoint", store, "--json").stdout.splitlines()]
    assert rows[0]["name"] == "physicMsgTimestamp"


def test_frames_from_an_argument_a_file_and_the_standard_input(tmp_path):
    frame = encode_command(RemotingCommand(105, {"topic": "T\x01"}, opaque=5))
    file = tmp_path / "frame.bin"
    file.write_bytes(frame)
    outputs = {
        run("frame", frame.hex()).stdout,
        run("frame", file).stdout,
        run("frame", "-", data=frame).stdout,
    }
    assert len(outputs) == 1
    assert "105 GET_ROUTEINFO_BY_TOPIC" in outputs.pop()
    assert "topic=T␁" in run("frame", file).stdout


def test_damage_comes_after_the_rows_before_it(store, tmp_path):
    file = tmp_path / f"{0:020}"
    data = bytearray((store / "commitlog" / f"{0:020}").read_bytes())
    rows = [json.loads(line) for line in run("commitlog", store, "--json").stdout.splitlines()]
    data[rows[1]["offset"] + 4] = 0
    file.write_bytes(data)
    for option in ((), ("--json",)):
        result = run("commitlog", file, *option)
        assert result.exit_code == 1
        assert "gsst1" in result.stdout
        assert result.stderr.startswith(f"Error: {file} at {rows[1]['offset']}: ")
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command", ["commitlog", "consumequeue", "index", "checkpoint", "config", "frame"]
)
def test_what_is_not_there_is_one_line_and_an_exit_code(command, tmp_path):
    result = run(command, tmp_path / "nothing")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "nothing" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_narrow_terminal_loses_columns_not_lines(store, monkeypatch):
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    lines = unstyle(run("commitlog", store, "--limit", 3).stdout).splitlines()
    assert len(lines) == 4
    assert all(len(line) <= 60 for line in lines)
    assert "born host" not in lines[0]
    assert "body" in lines[0]


def test_timer_files(store):
    assert run("timerlog", store).stdout.splitlines()[1].split()[0] == "0"
    rows = [json.loads(line) for line in run("timerlog", store, "--json").stdout.splitlines()]
    wheel = run("timerwheel", store / "timerwheel", "--json", "--precision", 1000)
    assert wheel.exit_code == 0
    assert len(rows) == 5


def test_a_plot_instead_of_a_table(store, tmp_path):
    pytest.importorskip("matplotlib")
    for command in ("commitlog", "consumequeue"):
        target = tmp_path / f"{command}.png"
        result = run(command, store, "--plot", target)
        assert (result.exit_code, result.stdout) == (0, f"drawn into {target}\n")
        assert target.stat().st_size > 10_000
    full = run("commitlog", store, "--plot", "/dev/full")
    assert (full.exit_code, full.stderr) == (1, "Error: No space left on device\n")
    absent = run("commitlog", store, "--topic", "none", "--plot", tmp_path / "no.png")
    assert absent.exit_code == 2
    assert "there is no message to draw" in absent.stderr


def test_a_plot_without_matplotlib(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("commitlog", store, "--plot", tmp_path / "a.png")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "pip install 'rmqwire[plot]'" in result.stderr


def test_extension_units_and_empty_columns(tmp_path):
    queue = tmp_path / "consumequeue_ext" / "T" / "0"
    queue.mkdir(parents=True)
    unit = pack_ext_unit(ConsumeQueueExtUnit(2598920, 1_700_000_000_000))
    (queue / f"{0:020}").write_bytes(unit.ljust(100, b"\0"))
    result = run("consumequeueext", tmp_path)
    head, row = result.stdout.splitlines()
    assert head.split() == ["topic", "queue", "extOffset", "size", "tagsCode", "stored"]
    assert row.split()[:5] == ["T", "0", "0", "20", "2598920"]
    assert [line for line in (head, row) if line != line.rstrip()] == []
    rows = run("consumequeueext", tmp_path, "--json").stdout.splitlines()
    assert [json.loads(line)["bitMap"] for line in rows] == [""]


def test_nothing_is_said_to_be_nothing(tmp_path):
    (tmp_path / f"{0:020}").write_bytes(bytes(100))
    result = run("commitlog", tmp_path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing to show\n")
    assert run("commitlog", tmp_path, "--json").stderr == ""
