"""The table of requests agrees with the recorded tables of Java, and with its printed page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rmqwire.broker.requests import REQUESTS as BROKER
from rmqwire.namesrv.requests import REQUESTS as NAMESRV
from rmqwire.remoting.request_row import RequestRow
from tests.support.golden import DATA
from tools import gen_request_codes_page

ACTIONS = json.loads((DATA / "protocol" / "actions.json").read_text("utf-8"))
JAVA = json.loads((DATA / "protocol" / "request_codes.json").read_text("utf-8"))["codes"]
RELEASES = {entry["value"]: entry["in"] for entry in JAVA}
SHARED_HEADER = {320: "310", 361: "11"}  # SEND_BATCH_MESSAGE and LITE_PULL_MESSAGE have no own one
TABLES: tuple[RequestRow[Any], ...] = (*BROKER, *NAMESRV)
ROWS = [pytest.param(row, id=row.code.name) for row in TABLES]


@pytest.mark.parametrize("table", [BROKER, NAMESRV], ids=["broker", "namesrv"])
def test_a_code_has_one_row(table):
    codes = [row.code for row in table]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("row", ROWS)
def test_access_is_what_java_declares(row):
    java = ACTIONS.get(SHARED_HEADER.get(row.code, str(int(row.code))))
    wanted = "" if java is None else " ".join([",".join(java["actions"]), *java["resources"]])
    assert row.access == wanted


@pytest.mark.parametrize("row", ROWS)
def test_a_code_of_5_is_one_that_4_9_7_does_not_know(row):
    assert bool(row.since) == ("4.9.7" not in RELEASES[row.code])


def test_the_page_is_the_table():
    page = gen_request_codes_page.PAGE
    assert page.read_text("utf-8") == gen_request_codes_page.page(), (
        "run python -m tools.gen_request_codes_page"
    )
