"""The foreign clients: installed once by their own package managers, into the cache of the jars."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from interop.client_program import ClientProgram
from interop.jars import alone_in_cache, cache_dir, missing_tools
from interop.peer import Peer

HERE = Path(__file__).resolve().parent
CPP_PACKAGE = "rocketmq==0.4.4"  # carries librocketmq of the C++ client's 1.2 line
OLD_JAVA = "4.8.0"


class Missing(Exception):
    """This client can't run here; the text says why in one line."""


def start(name: str, home: Path) -> ClientProgram:
    """Start the client ``cpp``, ``go``, ``node`` or ``java-4.8.0``, installed first where it isn't.

    Raises:
        Missing: what it needs isn't on this machine.
    """
    return _STARTS[name](home)


def _start_cpp(home: Path) -> ClientProgram:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Missing(f"C++ client: {CPP_PACKAGE} is installed on Linux on x86_64 only")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    made = cache_dir() / f"cpp-{CPP_PACKAGE.partition('==')[2]}-python{python}"
    binary = made / "bin" / "python"
    with alone_in_cache():
        if not (made / "complete").exists():
            venv.create(made, with_pip=True, clear=True)
            pip = [str(binary), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            _run(*pip, CPP_PACKAGE)
            (made / "complete").touch()
    return ClientProgram("cpp", [str(binary), str(HERE / "cpp" / "client.py")], home)


def _start_go(home: Path) -> ClientProgram:
    _need("Go client", "go")
    binary = cache_dir() / "go-client"
    with alone_in_cache():
        _run("go", "build", "-buildvcs=false", "-o", str(binary), ".", cwd=HERE / "go")
    return ClientProgram("go", [str(binary)], home, {"ROCKETMQ_GO_LOG_LEVEL": "warn"})


def _start_node(home: Path) -> ClientProgram:
    _need("Node client", "node", "npm")
    lock = (HERE / "node" / "package-lock.json").read_bytes()
    made = cache_dir() / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    with alone_in_cache():
        if not (made / "complete").exists():
            made.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / "node" / name, made)
            _run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=made)
            (made / "complete").touch()
    modules = {"NODE_PATH": str(made / "node_modules")}
    return ClientProgram("node", ["node", str(HERE / "node" / "client.js")], home, modules)


def _start_java(home: Path) -> ClientProgram:
    reason = missing_tools()
    if reason:
        raise Missing(f"Java client {OLD_JAVA}: {reason}")
    return Peer(OLD_JAVA, "JSON", home)


_STARTS: dict[str, Callable[[Path], ClientProgram]] = {
    "cpp": _start_cpp,
    "go": _start_go,
    "node": _start_node,
    f"java-{OLD_JAVA}": _start_java,
}


def _need(client: str, *tools: str) -> None:
    absent = [tool for tool in tools if shutil.which(tool) is None]
    if absent:
        raise Missing(f"{client}: not installed: {', '.join(absent)}")


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, check=True, timeout=600, cwd=cwd)
