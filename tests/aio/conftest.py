"""The broker in memory that the asyncio programs talk to."""

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
