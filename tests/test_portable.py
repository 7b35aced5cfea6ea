"""Codec, clients and inspector run where there is no Linux: they import nothing of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import importlib, pkgutil, sys

class NotHere:
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "termios", "pty", "grp", "pwd", "syslog"}:
            raise ModuleNotFoundError(f"no {name} on this system", name=name)

sys.meta_path.insert(0, NotHere())
for name in ("fcntl", "resource", "termios", "pty", "grp", "pwd", "syslog"):
    sys.modules.pop(name, None)
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


@pytest.mark.parametrize(
    "room",
    ["codec", "filter", "client", "producer", "consumer", "inspector", "bridge", "aio", "blocking"],
)
def test_a_portable_room_imports_nothing_of_linux(room):
    command = [sys.executable, "-c", PROGRAM, f"rmqwire.{room}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
