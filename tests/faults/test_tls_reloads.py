"""10,000 replaced certificates leave descriptors and memory as they were. ``-m nightly``."""

from __future__ import annotations

import pytest

from tests.remoting.tls_reloads import reload_many


@pytest.mark.nightly
@pytest.mark.timeout(600)
async def test_ten_thousand_reloads_leave_nothing_behind(nursery, tmp_path):
    await reload_many(nursery, tmp_path, 10_000)
