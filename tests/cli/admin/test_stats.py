"""statsAll at a cluster in this process."""

from __future__ import annotations

import json

from rmqwire import Message
from tests.cli.admin.conftest import admin
from tests.testing.support import consume, run, send


def test_what_goes_in_and_out(rmq):
    rmq.create_topic("T", 1)
    rmq.create_topic("Quiet", 1)
    run(send, rmq, *(Message("T", b"x") for _ in range(3)))
    run(consume, rmq, "G", "T", 3)
    run(send, rmq, Message("T", b"x"))
    lines = {line.split()[0]: line.split()[1:] for line in admin("statsAll").splitlines()[1:]}
    assert lines["T"][:2] == ["G", "1"]
    assert lines["Quiet"] == ["0", "0.00", "0", "NO_CONSUMER"]
    assert not any(topic.startswith("%RETRY%") for topic in lines)
    _, *active = admin("statsAll", "-a", "-t", "Quiet").splitlines()
    assert active == []
    (shown,) = map(json.loads, admin("statsAll", "-t", "T", "--json").splitlines())
    assert (shown["group"], shown["accumulation"]) == ("G", 1)


def test_a_topic_that_nobody_tells_of_is_left_out(rmq):
    rmq.create_topic("T", 1)
    rmq.fail_next("QUERY_TOPIC_CONSUME_BY_WHO", "SYSTEM_ERROR")
    assert admin("statsAll", "-t", "T").splitlines()[1:] == []
