"""Thresholds for readers of cold messages, and how the log is read: answers recorded from Java 5.5.0."""

from __future__ import annotations

import json

import pytest

from rmqwire.broker.processors.admin import cold_data
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.release import V4_9_7
from tests.support.memory_files import MemoryFiles

UPDATE = RequestCode.UPDATE_COLD_DATA_FLOW_CTR_CONFIG
REMOVE = RequestCode.REMOVE_COLD_DATA_FLOW_CTR_CONFIG
INFO = RequestCode.GET_COLD_DATA_FLOW_CTR_INFO
MODE = RequestCode.SET_COMMITLOG_READ_MODE
TOLD = (
    b'{"runtimeTable":{},"configTable":{%s},"cgColdReadThreshold":3145728,'
    b'"globalColdReadThreshold":104857600,"globalAcc":0}'
)


@pytest.fixture
def broker(admin_broker):
    return admin_broker()


def test_thresholds_are_kept_and_told_as_by_java(broker):
    for code, body, table in (
        (INFO, b"", b""),
        (UPDATE, b"g1=100\ng2=x\n", b'"g1":100'),
        (UPDATE, b"", b'"g1":100'),
        (UPDATE, b"zeta=5\nalpha=7\n", b'"zeta":5,"alpha":7,"g1":100'),
        (REMOVE, b"g1", b'"zeta":5,"alpha":7'),
        (REMOVE, b"nope", b'"zeta":5,"alpha":7'),
    ):
        answer = broker.ask(code, body=body)
        assert (answer.code, answer.remark) == (0, None)
        assert bytes(broker.ask(INFO).body) == TOLD % table


def test_the_brokers_own_thresholds_are_told(admin_broker):
    broker = admin_broker(cg_cold_read_threshold=7)
    assert json.loads(bytes(broker.ask(INFO).body))["cgColdReadThreshold"] == 7


def test_a_table_that_anybody_may_fill_is_limited(broker, monkeypatch):
    monkeypatch.setattr(cold_data, "MOST_GROUPS", 2)
    assert broker.ask(UPDATE, body=b"a=1\nb=2\n").code == 0
    assert broker.ask(UPDATE, body=b"a=3\n").code == 0
    answer = broker.ask(UPDATE, body=b"c=1\n")
    assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_ERROR, "more than 2 groups")


def test_what_is_no_text_is_refused(broker):
    answer = broker.ask(UPDATE, body=b"\xff\xfe")
    assert (answer.code, answer.remark) == (1, "string2Properties error")


@pytest.mark.parametrize(
    ("fields", "code", "remark"),
    [
        (None, 1, "set commitlog readahead mode param error"),
        ({"READ_AHEAD_MODE": "1"}, 0, "set commitlog readahead mode success, mode: 1"),
        ({"READ_AHEAD_MODE": "0"}, 0, "set commitlog readahead mode success, mode: 0"),
        ({"READ_AHEAD_MODE": "7"}, 29, "set commitlog readahead mode param value error"),
        ({"READ_AHEAD_MODE": "x"}, 1, "set commitlog readahead mode failed"),
        ({"a": "x"}, 1, "set commitlog readahead mode failed"),
    ],
)
def test_the_mode_of_reading_is_answered_as_by_java(broker, fields, code, remark):
    answer = broker.ask(MODE, fields=fields)
    assert (answer.code, answer.remark) == (code, remark)


def test_the_files_of_the_log_are_read_as_asked_for(broker):
    broker.put("T", 0)
    calls = broker.files.calls
    assert "no read ahead" not in {call for call, _ in calls}
    broker.ask(MODE, fields={"READ_AHEAD_MODE": "1"})
    assert [path for call, path in calls if call == "no read ahead"] == [
        "store/commitlog/00000000000000000000"
    ]
    broker.put("T", 0, 800)  # more files
    assert len({path for call, path in calls if call == "no read ahead"}) > 1
    assert not broker.state.store.config.data_read_ahead_enable
    broker.ask(MODE, fields={"READ_AHEAD_MODE": "0"})
    assert "read ahead" in {call for call, _ in calls}


def test_a_disk_that_refuses_is_a_failure(broker, monkeypatch):
    broker.put("T", 0)

    def refuse(*_args, **_options):
        raise OSError("no")

    monkeypatch.setattr(MemoryFiles, "read_ahead", refuse)
    answer = broker.ask(MODE, fields={"READ_AHEAD_MODE": "1"})
    assert (answer.code, answer.remark) == (1, "set commitlog readahead mode failed")


def test_4_9_knows_none_of_it(admin_broker):
    broker = admin_broker(V4_9_7)
    for code in (UPDATE, REMOVE, INFO, MODE):
        assert broker.ask(code).code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
