"""The command line itself: names, help, versions, configuration printing, user errors."""

import pytest
from click.testing import CliRunner

from rmqwire import __version__
from rmqwire.cli import main


@pytest.fixture
def call(monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    return lambda *args, **kwargs: CliRunner().invoke(main, args, **kwargs)


def test_version(call):
    assert call("--version").output.startswith(f"rmqwire {__version__} (Python 3.")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(call, flag):
    listed = call(flag).output
    for name in (
        "namesrv",
        "broker",
        "standalone",
        "produce",
        "consume",
        "quickstart",
        "inspect",
        "store",
    ):
        assert name in listed
        result = call(name, flag)
        assert result.exit_code == 0
        assert "Usage:" in result.output


def test_an_unknown_command(call):
    result = call("nope")
    assert result.exit_code == 2
    assert "nope" in result.stderr


def test_broker_prints_its_items(call, tmp_path):
    conf = tmp_path / "broker.conf"
    conf.write_text("brokerName=b7\nlistenPort=10999\nuseTLS=false\n")
    items = dict(
        line.split("=", 1) for line in call("broker", "-c", conf, "-p").output.split("\n")[:-1]
    )
    assert items["brokerName"] == "b7"
    assert items["listenPort"] == "10999"
    assert items["flushDiskType"] == "ASYNC_FLUSH"
    assert items["useTLS"] == "false"
    assert len(items) > 300
    important = call("broker", "-c", conf, "-n", "1.2.3.4:9876", "-m").output
    assert "namesrvAddr=1.2.3.4:9876\n" in important
    assert "flushDiskType" not in important


def test_old_items_for_the_old_release(call, tmp_path):
    conf = tmp_path / "broker.conf"
    conf.write_text("rocketmqVersion=4.9.7\n")
    assert "rocketmqVersion=4.9.7\n" in call("broker", "-c", conf, "-m").output
    assert "timerWheelEnable" not in call("broker", "-c", conf, "-p").output


def test_the_environment_names_the_name_server(call):
    output = call("broker", "-m", env={"NAMESRV_ADDR": "9.9.9.9:9876"}).output
    assert "namesrvAddr=9.9.9.9:9876\n" in output


def test_namesrv_prints_its_items(call, tmp_path):
    conf = tmp_path / "namesrv.conf"
    conf.write_text("listenPort=9999\n")
    output = call("namesrv", "-c", conf, "-p", env={"ROCKETMQ_HOME": "/opt/rocketmq"}).output
    assert "listenPort=9999\n" in output
    assert "rocketmqHome=/opt/rocketmq\n" in output
    assert f"configStorePath={conf}\n" in output


@pytest.mark.parametrize("server", ["namesrv", "broker"])
def test_a_password_is_not_printed(call, tmp_path, server):
    conf = tmp_path / "server.conf"
    conf.write_text("tls.server.keyPassword=canary\ntls.server.keyPath=/k\n")
    output = call(server, "-c", conf, "-p").output
    assert "tls.server.keyPassword=******\n" in output
    assert "tls.server.keyPath=/k\n" in output
    assert "canary" not in output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["broker", "-c", "/none/broker.conf"], "/none/broker.conf: can't be read"),
        (["broker", "-n", "nonsense"], "nonsense"),
        (["namesrv", "-c", "/none/namesrv.conf"], "/none/namesrv.conf: can't be read"),
        (["produce", "-t", "T", "-b", "x"], "No name server address"),
        (["produce", "-b", "x"], "--topic"),
        (["produce", "-t", "T", "--property", "noequals"], "NAME=VALUE"),
        (["produce", "-t", "T", "--property", "a=b\x02"], "has a separator of properties"),
        (["produce", "-t", "T", "-b", "x", "-n", ""], "NAMESRV_ADDR in the environment"),
        (["consume", "-t", "T", "--timeout", "-1"], "-1 is not a time in seconds"),
        (["consume", "-t", "T", "--timeout", "nan"], "nan is not a time in seconds"),
        (["consume", "-t", "T", "--timeout", "0"], "0 is not a time in seconds"),
        (["consume", "-t", "a b", "-n", "127.0.0.1:1"], "illegal characters"),
        (["consume", "-t", "T", "-f", "{nope}"], "{nope} is none of"),
        (["quickstart", "--messages", "0"], "--messages"),
    ],
)
def test_wrong_calls_are_one_line_and_code_2(call, arguments, says):
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_broker_conf(call, tmp_path):
    conf = tmp_path / "broker.conf"
    conf.write_text("listenPort=abc\n")
    result = call("broker", "-c", conf)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {conf}: listenPort=abc: not a whole number\n"


def test_nobody_there_is_code_1(call):
    result = call("produce", "-t", "T", "-b", "x", "-n", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "Connection refused <127.0.0.1:1>" in result.stderr


def test_a_log_file_that_cannot_be_written(call, tmp_path):
    result = call("--log-file", str(tmp_path / "none" / "x.log"), "namesrv", "-p")
    assert result.exit_code == 1
    assert "--log-file" in result.stderr
