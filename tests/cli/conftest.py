"""A local cluster on free ports."""

import pytest

from rmqwire.cli.local_cluster import LocalSettings, serve_local_cluster


@pytest.fixture
async def cluster(nursery, tmp_path):
    return await nursery.start(serve_local_cluster, LocalSettings(tmp_path / "data"))
