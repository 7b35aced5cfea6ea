"""rmqwire's own commands, run as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any


def run_command(name: str, *words: str, lines: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Run ``rmqwire NAME WORDS`` with ``lines`` on its stdin; return the objects that it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "rmqwire", name, *words],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]
