"""Settings of every test without Java.

The examples of hypothesis are the same in each run and have no time limit, so that a test's outcome
depends on the code alone. `HYPOTHESIS_PROFILE=search` looks for new ones.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.support.certificates import Certificates

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_collection_modifyitems(items):
    """Begin with the simulated crashes: a file of few long tests at the end leaves all cores but one idle."""
    items.sort(key=lambda item: item.path.parent.name != "sim")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Return certificates that no test changes."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
