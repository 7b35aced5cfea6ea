"""The cluster that the producers' tests send to."""

import pytest

from tests.client.fake_cluster import FakeCluster


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=2, brokers=("a", "b"))
    return cluster
