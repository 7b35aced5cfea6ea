"""Requests for brokers of another mode, answered as a plain Java broker of 5.5.0 answers them (recorded)."""

from __future__ import annotations

import pytest

from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.release import V4_9_7
from rmqwire.remoting.handler import NOT_SET

CHANGED = {
    "masterAddress": "127.0.0.1:1", "masterEpoch": "1", "syncStateSetEpoch": "1", "masterBrokerId": "1",
}  # fmt: skip
SYNC_STATE = b'{"syncStateSet":[1],"syncStateSetEpoch":1}'


@pytest.fixture
def broker(admin_broker):
    return admin_broker()


@pytest.mark.parametrize(
    ("code", "fields", "body", "wanted"),
    [
        (R.CHECK_ROCKSDB_CQ_WRITE_PROGRESS, {"topic": "T"}, b"", (0, NOT_SET, b'{"checkStatus":2}')),
        (R.CHECK_ROCKSDB_CQ_WRITE_PROGRESS, None, b"", (0, NOT_SET, b'{"checkStatus":2}')),
        (R.EXPORT_ROCKSDB_CONFIG_TO_JSON, {"configType": "topics;subscriptionGroups;consumerOffsets"}, b"",
         (0, "export done.", b"")),
        (R.EXPORT_ROCKSDB_CONFIG_TO_JSON, {"configType": ""}, b"", (0, "export done.", b"")),
        (R.NOTIFY_MIN_BROKER_ID_CHANGE, {"minBrokerId": "1"}, b"", (0, None, b"")),
        (R.NOTIFY_MIN_BROKER_ID_CHANGE, None, b"", (1, "the custom field <minBrokerId> is null", b"")),
        (R.GET_BROKER_EPOCH_CACHE, None, b"", (1, "this request only for controllerMode ", b"")),
        (R.NOTIFY_BROKER_ROLE_CHANGED, CHANGED, SYNC_STATE, (0, None, b"")),
        (R.NOTIFY_BROKER_ROLE_CHANGED, None, b"", (0, None, b"")),
    ],
)  # fmt: skip
def test_the_answer_is_java_s(broker, code, fields, body, wanted):
    answer = broker.ask(code, fields=fields, body=body)
    assert (answer.code, answer.remark, bytes(answer.body)) == wanted


@pytest.mark.parametrize(("types", "unknown"), [("topics;acls", "acls"), (" Topics ; ", " ")])
def test_what_cannot_be_exported_is_refused(broker, types, unknown):
    answer = broker.ask(R.EXPORT_ROCKSDB_CONFIG_TO_JSON, fields={"configType": types})
    assert (answer.code, answer.remark) == (1, f"Unknown config type: {unknown}")


def test_a_set_that_cannot_be_read_is_refused(broker):
    assert broker.ask(R.NOTIFY_BROKER_ROLE_CHANGED, body=b"nonsense").code == 1


def test_a_role_stays_as_it_is(broker):
    broker.ask(R.NOTIFY_BROKER_ROLE_CHANGED, fields=CHANGED, body=SYNC_STATE)
    assert not broker.state.replication.is_slave


def test_4_9_knows_none_of_it(admin_broker):
    assert admin_broker(V4_9_7).ask(R.GET_BROKER_EPOCH_CACHE).code == 3
