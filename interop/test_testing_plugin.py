"""The pytest plugin at a Java cluster: the tests that run embedded run there too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = "tests/testing/test_everywhere.py"


def test_the_same_tests_pass_embedded_and_at_java(java_namesrv: str) -> None:
    for server in ("embedded", java_namesrv):
        command = [sys.executable, "-m", "pytest", "-q", TESTS, f"--rmqwire-server={server}"]
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
        )
        assert result.returncode == 0, f"{server}:\n{result.stdout}"
        assert "5 passed" in result.stdout
