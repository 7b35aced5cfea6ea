"""The pytest plugin at a Java cluster: the tests that run embedded run there too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = "tests/testing/test_everywhere.py"


@pytest.mark.optin
def test_the_same_tests_pass_at_java_that_the_plugin_starts(version: str) -> None:
    run(f"java:{version}")


def test_the_same_tests_pass_embedded_and_at_java(java_namesrv: str) -> None:
    for server in ("embedded", java_namesrv):
        run(server)


def run(server: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", TESTS, f"--rmqwire-server={server}"]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert result.returncode == 0, f"{server}:\n{result.stdout}"
    assert "5 passed" in result.stdout
