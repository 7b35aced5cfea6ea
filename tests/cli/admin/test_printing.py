"""Values as Java prints them."""

from __future__ import annotations

import json
import time

import pytest

from rmqwire.admin.cluster import ClusterMember
from rmqwire.cli.admin.printing import jsonable, row, second_text, time_text
from rmqwire.codec.bodies import MessageQueue


def test_a_row_has_java_s_words_for_what_is_none_and_for_truth():
    assert row("%-5s|%3s|%s|%.2f", None, True, False, 1.5) == "null |true|false|1.50"


def test_times_are_local_and_those_beyond_the_calendar_are_ms(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert time_text(1_795_229_432_145) == "2026-11-21 11:50:32,145"
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert second_text(1_795_229_432_145) == "2026-11-21 02:50:32"
    assert second_text(2**62) == str(2**62)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (MessageQueue("T", "a", 1), {"topic": "T", "brokerName": "a", "queueId": 1}),
        (ClusterMember("C", "a", 0, "h:1", {"k": "v"}), {
            "cluster": "C", "brokerName": "a", "brokerId": 0, "addr": "h:1", "figures": {"k": "v"},
        }),
        ((1, None, True), [1, None, True]),
    ],
)  # fmt: skip
def test_results_are_json_under_java_s_names(value, written):
    assert json.loads(json.dumps(jsonable(value))) == written
