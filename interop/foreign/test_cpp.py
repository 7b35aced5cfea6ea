"""What only the C++ client does."""

from __future__ import annotations

import pytest

from interop.checks import counted
from interop.client_program import ClientProgram
from interop.foreign.conftest import Site, Start
from interop.wire import max_offset

COUNT = 40


@pytest.fixture
def cpp(start: Start) -> ClientProgram:
    return start("cpp")


def test_its_batch_is_stored_as_java_stores_it(site: Site, cpp: ClientProgram) -> None:
    """It says ``batch=1`` where Java writes ``true``: one message that nobody takes apart."""
    topic = site.topic("cpp_batch")
    sent = cpp.produce(site.namesrv, topic, COUNT, "batch")
    batches = [m for m in sent if "batch" in m]
    assert len(batches) == 4
    assert sum(max_offset(site.broker, topic, queue) for queue in range(4)) == len(batches)


def test_a_new_topic_is_made_by_the_first_send(site: Site, cpp: ClientProgram) -> None:
    topic = site.topic("cpp") + "_new"
    sent = cpp.produce(site.namesrv, topic, COUNT)
    with cpp.consume(site.namesrv, topic) as consumer:
        counted("cpp new topic", sent, consumer.drain(COUNT))


def test_an_orderly_listener_that_fails_holds_its_queue(site: Site, cpp: ClientProgram) -> None:
    """The queue waits a second for the message that failed; nothing overtakes it."""
    topic = site.topic("cpp_orderly", queues=1)
    with cpp.consume(site.namesrv, topic, failures=1, orderly=True) as consumer:
        sent = cpp.produce(site.namesrv, topic, 4, "orderly")
        received = consumer.drain(8)
    keys = [m["keys"] for m in sent]
    assert [m["keys"] for m in received] == [key for key in keys for _ in range(2)]
