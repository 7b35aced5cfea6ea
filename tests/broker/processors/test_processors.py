"""Processors that a broker makes when the first of their requests comes."""

from importlib import import_module
from types import SimpleNamespace

import pytest

from rmqwire.broker.processors.processors import LATER, Processors
from rmqwire.broker.requests import REQUESTS
from rmqwire.codec.codes import RequestCode
from rmqwire.remoting.request_row import FirstUse

PACKAGE = "rmqwire.broker.processors"


def class_of(place):
    module, _, name = place.partition(":")
    return getattr(import_module(f"{PACKAGE}.{module}"), name)


def test_every_processor_is_what_its_annotation_says():
    at_once = {"send", "pull", "clients", "consumers"}
    assert set(Processors.__annotations__) == at_once | set(LATER)
    for name, place in LATER.items():
        assert class_of(place).__name__ == Processors.__annotations__[name]


def test_a_processor_is_made_once(admin_broker):
    core = admin_broker().core
    processors = core._processors
    assert "recall" not in vars(processors)
    assert processors.recall is processors.recall
    with pytest.raises(AttributeError, match="no processor 'none'"):
        _ = processors.none


def test_the_rows_of_what_clients_ask_first_are_found_at_once(admin_broker):
    core = admin_broker().core
    at_once = {row.code for row in REQUESTS if row.at_once}
    assert RequestCode.SEND_MESSAGE_V2 in at_once
    assert RequestCode.HEART_BEAT in at_once
    for row in REQUESTS:
        if row.known_to(core.state.release):
            later = isinstance(core.handlers.handler(row.code), FirstUse)
            assert later == (row.code not in at_once), row.code
            assert callable(row.handler(core._processors)), row.code


def test_a_handler_is_found_with_its_first_request():
    found = []

    def find():
        found.append(1)
        return lambda connection, request: (connection, request)

    handler = FirstUse(find)
    assert found == []
    connection, request = SimpleNamespace(), SimpleNamespace()
    assert [handler(connection, request) for _ in range(2)] == [(connection, request)] * 2
    assert found == [1]
