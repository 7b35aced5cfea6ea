"""The exception tree, the classes of the response codes, and their page."""

from __future__ import annotations

import builtins
import pickle
import pkgutil
from importlib import import_module

import pytest

import rmqwire
from rmqwire import broker_errors, errors
from rmqwire.broker_errors import broker_error
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import BrokerError, RmqError, SendAttempt
from tools import gen_codes, gen_errors_page


def java_style_name(code_name: str) -> str:
    name = "".join(part.capitalize() for part in code_name.split("_"))
    return f"Broker{name}" if hasattr(builtins, name) else name


def test_every_response_code_but_success_has_its_class():
    expected = {code.value: java_style_name(code.name) for code in ResponseCode if code}
    assert {code: cls.__name__ for code, cls in BrokerError.by_code.items()} == expected
    for code, name in expected.items():
        assert getattr(broker_errors, name).code == code


def test_the_class_follows_the_code():
    error = broker_error(17, "No topic route info", "127.0.0.1:10911")
    assert type(error) is broker_errors.TopicNotExist
    assert (error.code, error.remark, error.addr) == (17, "No topic route info", "127.0.0.1:10911")
    assert str(error) == "CODE: 17  DESC: No topic route info  BROKER: 127.0.0.1:10911"


def test_a_code_without_a_class_is_a_plain_broker_error():
    error = broker_error(54321)
    assert type(error) is BrokerError
    assert (error.code, error.remark, error.addr) == (54321, "", "")


def test_a_code_has_one_class():
    with pytest.raises(TypeError, match="TopicNotExist"):

        class Another(BrokerError, code=17):
            pass

    assert BrokerError.by_code[17] is broker_errors.TopicNotExist


def test_a_refusal_may_be_stored_only_where_the_code_says_so_or_says_nothing():
    maybe = {
        ResponseCode(code).name for code, cls in BrokerError.by_code.items() if cls.maybe_stored
    }
    stored_but = {"FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE"}
    assert maybe == {"SYSTEM_ERROR"} | stored_but


def test_producers_try_another_broker_after_the_codes_that_java_does():
    """``DefaultMQProducer.retryResponseCodes``."""
    older = {17, 14, 1, 16, 204, 205}
    assert V4_9_7.client.retry_response_codes == older
    assert V5_5_0.client.retry_response_codes == older | {2, 1500}


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


def own_exceptions() -> set[type[Exception]]:
    """Return every exception class of every module, but those of codes and of the command line."""
    found = set()
    for module in pkgutil.walk_packages(rmqwire.__path__, "rmqwire."):
        if module.name.startswith("rmqwire.cli") or module.name.endswith("__main__"):
            continue
        for value in vars(import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Exception):
                found.add(value)
    return {
        cls
        for cls in found
        if cls.__module__.startswith("rmqwire.") and cls.__module__ != broker_errors.__name__
    }


def test_every_exception_of_every_room_stands_in_the_printed_tree_below_its_base():
    printed = {(node.name, node.base) for node in gen_errors_page.tree()}
    real = {(cls.__name__, cls.__base__.__name__) for cls in own_exceptions() - {RmqError}}
    assert printed == real


def test_the_page_of_errors_is_up_to_date():
    assert gen_errors_page.PAGE.read_text("utf-8") == gen_errors_page.page(), (
        "run python -m tools.gen_errors_page"
    )


def test_the_page_names_every_code_and_class():
    page = gen_errors_page.page()
    for code in ResponseCode.__members__.values():
        if code:
            assert (
                f"| {code.value} | `{BrokerError.by_code[code].__name__}`<br>`{code.name}`" in page
            )
    for cls in own_exceptions() - {RmqError}:
        assert f"`{cls.__name__}` |" in page


def test_a_code_without_a_text_stops_the_generator(tmp_path, monkeypatch):
    texts = tmp_path / "error_texts.toml"
    texts.write_text(gen_codes.TEXTS.read_text("utf-8").replace("[code.GO_AWAY]", "[code.GO_HOME]"))
    monkeypatch.setattr(gen_codes, "TEXTS", texts)
    with pytest.raises(ValueError, match="GO_AWAY"):
        gen_codes.errors_source()
