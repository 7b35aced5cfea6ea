"""A broker with a lane beside one without, of each lane and release."""

from __future__ import annotations

import pytest

from rmqwire.codec.native import NATIVE, PYTHON, module_fault
from rmqwire.codec.release import release_named
from tests.support.golden import RELEASE_NAMES
from tests.support.lanes import BothLanes

needs_module = pytest.mark.skipif(bool(module_fault()), reason="no native lane")
RELEASES = [release_named(name) for name in RELEASE_NAMES]


@pytest.fixture(params=[PYTHON, pytest.param(NATIVE, marks=needs_module)])
def lane(request):
    return request.param


@pytest.fixture(params=RELEASES, ids=RELEASE_NAMES)
def lanes(request, tmp_path, lane):
    both = BothLanes(tmp_path, request.param, lane)
    both.warm()
    both.taken = 0
    yield both
    both.close()
