"""The foreign clients: installed once by their own package managers, into the cache of the jars."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from interop.client_program import ClientProgram
from interop.jars import cache_dir

HERE = Path(__file__).resolve().parent


class Missing(Exception):
    """This client can't run here; the text says why in one line."""


def start(name: str, home: Path) -> ClientProgram:
    """Start the client ``go`` or ``node``, installed first where it isn't.

    Raises:
        Missing: what it needs isn't on this machine.
    """
    return _STARTS[name](home)


def _start_go(home: Path) -> ClientProgram:
    _need("Go client", "go")
    binary = cache_dir() / "go-client"
    _run("go", "build", "-o", str(binary), ".", cwd=HERE / "go")
    return ClientProgram("go", [str(binary)], home, {"ROCKETMQ_GO_LOG_LEVEL": "warn"})


def _start_node(home: Path) -> ClientProgram:
    _need("Node client", "node", "npm")
    lock = (HERE / "node" / "package-lock.json").read_bytes()
    made = cache_dir() / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (made / "complete").exists():
        made.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, made)
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=made)
        (made / "complete").touch()
    modules = {"NODE_PATH": str(made / "node_modules")}
    return ClientProgram("node", ["node", str(HERE / "node" / "client.js")], home, modules)


_STARTS: dict[str, Callable[[Path], ClientProgram]] = {
    "go": _start_go,
    "node": _start_node,
}


def _need(client: str, *tools: str) -> None:
    absent = [tool for tool in tools if shutil.which(tool) is None]
    if absent:
        raise Missing(f"{client}: not installed: {', '.join(absent)}")


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, check=True, timeout=600, cwd=cwd)
