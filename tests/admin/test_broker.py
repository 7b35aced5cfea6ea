"""A broker's figures, and which answers count as well."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import KVTable
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.errors import BadBody, BrokerError
from tests.admin.support import BROKER, Answers, ask

FIGURES = (BROKER, RequestCode.GET_BROKER_RUNTIME_INFO)


def test_figures_are_sorted_by_name():
    body = KVTable(table={"putTps": "1.0 2.0 3.0", "bootTimestamp": "17"}).encode()
    found = ask(Answers({FIGURES: body}), "broker_status", BROKER)
    assert list(found.items()) == [("bootTimestamp", "17"), ("putTps", "1.0 2.0 3.0")]
    assert ask(Answers({FIGURES: b"{}"}), "broker_status", BROKER) == {}


def test_what_is_no_answer_is_told():
    with pytest.raises(BadBody):
        ask(Answers({FIGURES: b"["}), "broker_status", BROKER)


@pytest.mark.parametrize("broker", [True, False])
@pytest.mark.parametrize(
    ("code", "healthy"),
    [
        (ResponseCode.SUCCESS, True),
        (ResponseCode.NO_PERMISSION, True),  # access control is a sign of life
        (ResponseCode.SYSTEM_ERROR, False),
        (ResponseCode.REQUEST_CODE_NOT_SUPPORTED, False),  # another kind of server
    ],
)
def test_which_answers_are_good(code, healthy, broker):
    asked = RequestCode.GET_BROKER_RUNTIME_INFO if broker else RequestCode.GET_NAMESRV_CONFIG
    remoting = Answers({(BROKER, asked): code})
    if healthy:
        ask(remoting, "check_health", BROKER, broker=broker)
    else:
        with pytest.raises(BrokerError):
            ask(remoting, "check_health", BROKER, broker=broker)
