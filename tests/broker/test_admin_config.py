from __future__ import annotations

from pathlib import Path

import pytest

from rmqwire.broker.processors.admin.broker_config import ConfigAdmin
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.disk.files import RealFiles
from rmqwire.settings.key import HONOURED
from rmqwire.settings.rows.broker_conf import KEYS
from rmqwire.settings.secret import REDACTED


def settings(answer: RemotingCommand) -> dict[str, str]:
    rows = bytes(answer.body).decode().splitlines()
    return dict(row.split("=", 1) for row in rows)


def test_what_is_shown(admin_broker):
    broker = admin_broker(default_topic_queue_nums=5)
    shown = settings(broker.ask(R.GET_BROKER_CONFIG))
    assert shown["defaultTopicQueueNums"] == "5"
    assert shown["brokerName"] == "gold-a"
    assert shown["autoCreateTopicEnable"] == "true"
    assert shown["mappedFileSizeCommitLog"] == "65536"
    assert shown["storePathCommitLog"] == "store/commitlog"
    assert (
        shown["bitMapLengthConsumeQueueExt"] == "112"
    )  # as Java computes it, whatever the file says
    assert "namesrvAddr" not in shown


def test_secrets_are_struck_out(admin_broker):
    broker = admin_broker()
    broker.state.config.properties |= {
        "initAuthenticationUser": '{"username":"x","password":"canary"}',
        "innerClientAuthenticationCredentials": "canary",
        "metricsGrpcExporterHeader": "canary",
        "mySecretKey": "canary",
        "tls.server.keyPassword": "canary",
    }
    answer = broker.ask(R.GET_BROKER_CONFIG)
    assert b"canary" not in bytes(answer.body)
    assert settings(answer)["mySecretKey"] == REDACTED


def test_a_change_reaches_broker_and_store(admin_broker):
    broker = admin_broker()
    body = b"flushIntervalCommitLog=400\nautoCreateTopicEnable=false\n"
    assert broker.ask(R.UPDATE_BROKER_CONFIG, body=body).code == 0
    assert broker.state.store.config.flush_interval_commit_log == 400
    assert broker.state.config.auto_create_topic_enable is False
    answer = broker.ask(R.GET_BROKER_CONFIG)
    assert settings(answer)["flushIntervalCommitLog"] == "400"
    assert '"counter":1' in answer.ext_fields["version"]


def test_a_changed_permission_is_registered_at_once(admin_broker):
    broker = admin_broker()
    assert broker.ask(R.UPDATE_BROKER_CONFIG, body=b"brokerPermission=4").code == 0
    assert broker.state.config.broker_permission == 4
    assert broker.state.topics.data_version.counter == 1
    assert broker.registrations == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("storePathRootDir=/tmp/x", 16),
        ("storePathCommitLog=/tmp/x", 16),
        ("brokerConfigPath=/tmp/x", 16),
        ("configBlackList=", 16),
        ("namesrvAddr=6.6.6.6:9876", 16),
        ("brokerIP1=6.6.6.6", 16),
        ("listenPort=1", 16),
        ("aclEnable=false", 16),
        ("authenticationEnabled=true", 16),
        ("rocketmqHome=/tmp/x", 16),
        ("flushDiskType=ASYNC_FLUSH", 16),
        ("no.such.key=1", 16),
        ("brokerPermission=8", 1),
        ("flushIntervalCommitLog=0", 1),
        ("flushIntervalCommitLog=soon", 1),
        ("autoCreateTopicEnable=perhaps", 1),
    ],
)
def test_one_bad_key_refuses_the_whole_batch(admin_broker, tmp_path, line, code):
    broker = admin_broker()
    file = tmp_path / "broker.conf"
    file.write_text("brokerName=gold-a\n")
    broker.state.config.broker_config_path = str(file)
    answer = broker.ask(R.UPDATE_BROKER_CONFIG, body=f"traceOn=false\n{line}\n".encode())
    assert answer.code == code
    assert broker.state.config.trace_on is True
    assert file.read_text() == "brokerName=gold-a\n"
    assert list(tmp_path.iterdir()) == [file]


def test_what_may_change_is_what_is_honoured():
    live = {name for name, key in KEYS.items() if key.live is not None}
    assert {name for name in live if KEYS[name].kind != HONOURED} == set()
    for name in live:
        assert not any(part in name for part in ("Path", "Addr", "IP", "Port", "acl", "auth"))


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("fileReservedTime=24 ", "fileReservedTime=24\n"),
        ("traceOn=FALSE", "traceOn=false\n"),
        ("deleteWhen=04; 16", "deleteWhen=04;16\n"),
    ],
)
def test_a_value_is_written_as_it_is_held(admin_broker, tmp_path, line, written):
    broker = admin_broker()
    file = tmp_path / "broker.conf"
    file.write_text("")
    broker.state.config.broker_config_path = str(file)
    assert broker.ask(R.UPDATE_BROKER_CONFIG, body=line.encode()).code == 0
    assert file.read_text() == written


def test_a_number_that_rocketmq_clamps_is_clamped_and_said(admin_broker, tmp_path):
    broker = admin_broker()
    file = tmp_path / "broker.conf"
    file.write_text("")
    broker.state.config.broker_config_path = str(file)
    answer = broker.ask(R.UPDATE_BROKER_CONFIG, body=b"diskMaxUsedSpaceRatio=99")
    assert (answer.code, answer.remark) == (
        0,
        "diskMaxUsedSpaceRatio=99: taken as 95, as RocketMQ does",
    )
    assert broker.state.store.config.disk_max_used_space_ratio == 95
    assert file.read_text() == "diskMaxUsedSpaceRatio=95\n"


@pytest.mark.parametrize(
    "line",
    ["deleteWhen=25", "deleteWhen=zz", "deleteWhen=04:00", "deleteWhen=", "fileReservedTime=0"],
)
def test_what_the_file_refuses_the_administrator_is_refused_too(admin_broker, line):
    answer = admin_broker().ask(R.UPDATE_BROKER_CONFIG, body=line.encode())
    assert answer.code == 1
    assert answer.remark.startswith(line)


def test_the_file_keeps_what_it_had(admin_broker, tmp_path: Path):
    broker = admin_broker()
    file = tmp_path / "broker.conf"
    file.write_text("# ours\nbrokerName=gold-a\ntraceOn=true\nfoo=bar\n")
    broker.state.config.broker_config_path = str(file)
    admin = ConfigAdmin(broker.state, RealFiles())
    request = RemotingCommand(
        int(R.UPDATE_BROKER_CONFIG), None, b"traceOn=false\nmaxMessageSize=1000"
    )
    assert admin.update(broker.connection, request).code == 0
    assert file.read_text() == (
        "# ours\nbrokerName=gold-a\ntraceOn=false\nfoo=bar\nmaxMessageSize=1000\n"
    )
    assert (
        (tmp_path / "broker.conf.bak")
        .read_text()
        .startswith("# ours\nbrokerName=gold-a\ntraceOn=true")
    )
    assert broker.state.config.trace_on is False


def test_a_file_that_cannot_be_written_changes_nothing(admin_broker, tmp_path: Path):
    broker = admin_broker()
    broker.state.config.broker_config_path = str(tmp_path / "gone.conf")
    answer = broker.ask(R.UPDATE_BROKER_CONFIG, body=b"traceOn=false")
    assert answer.code == 1
    assert broker.state.config.trace_on is True


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=\\u12"])
def test_a_body_that_is_no_properties(admin_broker, body):
    answer = admin_broker().ask(R.UPDATE_BROKER_CONFIG, body=body)
    assert (answer.code, answer.remark) == (1, "string2Properties error")


def test_nothing_to_change_is_fine(admin_broker):
    assert admin_broker().ask(R.UPDATE_BROKER_CONFIG).code == 0
