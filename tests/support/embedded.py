"""A broker in memory for all tests of a file, empty at each one's beginning but for a topic."""

import pytest

from rmqwire.testing import cluster


@pytest.fixture(scope="module")
def server():
    with cluster() as made:
        yield made


@pytest.fixture
def rmq(server):
    server.create_topic("T", queues=1)
    yield server
    server.reset()
