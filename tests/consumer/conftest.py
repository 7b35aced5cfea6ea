"""The cluster that the consumers' tests talk to."""

import pytest

from tests.client.fake_cluster import FakeCluster


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=2)
    cluster.add_topic("%RETRY%cg", queue_nums=1)
    return cluster
