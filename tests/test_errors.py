from __future__ import annotations

import builtins
import pickle

import pytest

from rmqwire import errors
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import BrokerError, SendAttempt, broker_error


def class_name(code_name: str) -> str:
    name = "".join(part.capitalize() for part in code_name.split("_"))
    return f"Broker{name}" if hasattr(builtins, name) else name


def test_every_response_code_but_success_has_its_class():
    expected = {code.value: class_name(code.name) for code in ResponseCode if code}
    assert {code: cls.__name__ for code, cls in BrokerError.by_code.items()} == expected
    for code, name in expected.items():
        assert getattr(errors, name).code == code


def test_the_class_follows_the_code():
    error = broker_error(17, "No topic route info", "127.0.0.1:10911")
    assert type(error) is errors.TopicNotExist
    assert (error.code, error.remark, error.addr) == (17, "No topic route info", "127.0.0.1:10911")
    assert str(error) == "CODE: 17  DESC: No topic route info  BROKER: 127.0.0.1:10911"


def test_a_code_without_a_class_is_a_plain_broker_error():
    error = broker_error(54321)
    assert type(error) is BrokerError
    assert (error.code, error.remark, error.addr) == (54321, "", "")
    assert not error.retriable


def test_a_code_has_one_class():
    with pytest.raises(TypeError, match="TopicNotExist"):

        class Another(BrokerError, code=17):
            pass

    assert BrokerError.by_code[17] is errors.TopicNotExist


def test_producers_retry_what_java_retries():
    retried = {code for code, cls in BrokerError.by_code.items() if cls.retriable}
    assert retried == {
        ResponseCode.TOPIC_NOT_EXIST,
        ResponseCode.SERVICE_NOT_AVAILABLE,
        ResponseCode.SYSTEM_ERROR,
        ResponseCode.SYSTEM_BUSY,
        ResponseCode.NO_PERMISSION,
        ResponseCode.NO_BUYER_ID,
        ResponseCode.NOT_IN_CURRENT_UNIT,
        ResponseCode.GO_AWAY,
    }


EVERY_SHAPE = [
    broker_error(2, "[TIMEOUT_CLEAN_QUEUE]", "h:1"),
    broker_error(54321),
    errors.ProtocolError("bad", 7),
    errors.SendFailed("gone", "h:1", maybe_stored=False),
    errors.CorruptLog("torn", "f", 3),
    errors.LogDiverged("differs", 1, 2),
    errors.RouteNotFound("no"),
]


@pytest.mark.parametrize("error", EVERY_SHAPE, ids=repr)
def test_errors_travel_between_processes(error):
    error.attempts = (SendAttempt("a", "h:1", errors.ConnectFailed("no", "h:1"), 3),)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert repr(vars(again)) == repr(vars(error))
    assert again.maybe_stored is error.maybe_stored


def test_every_error_is_in_the_tree():
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert issubclass(value, errors.RmqError), name
            assert name in errors.__doc__ or issubclass(value, BrokerError), name
