"""What is asked of a server to learn whether it serves, and which answers are good."""

from __future__ import annotations

import pytest

from rmqwire.admin.health import HEALTHY, health_request
from rmqwire.codec.codes import RequestCode, ResponseCode


def test_each_kind_of_server_is_asked_what_both_releases_know():
    assert health_request(broker=True).code == RequestCode.GET_BROKER_RUNTIME_INFO
    assert health_request(broker=False).code == RequestCode.GET_NAMESRV_CONFIG


@pytest.mark.parametrize(
    ("code", "healthy"),
    [
        (ResponseCode.SUCCESS, True),
        (ResponseCode.NO_PERMISSION, True),  # access control is a sign of life
        (ResponseCode.SYSTEM_ERROR, False),
        (ResponseCode.REQUEST_CODE_NOT_SUPPORTED, False),  # another kind of server
    ],
)
def test_which_answers_are_good(code, healthy):
    assert (code in HEALTHY) is healthy
