#!/usr/bin/env python3
"""Run rmqwire from a checkout with nothing but Python 3.11 or newer.

    python3 run.py quickstart [options]   install into .venv, then `rmqwire quickstart`
    python3 run.py test [pytest options]  ruff, format, mypy, lint-imports, clippy, then the tests
    python3 run.py faults [pytest options]   the tests with kills, signals and full disks (Linux)
    python3 run.py interop [pytest options]  the tests against Java peers
    python3 run.py coverage [pytest options] the tests but the simulated crashes, with their coverage
    python3 run.py bench [CASE ...]       Java's broker and both lanes side by side, see --help
    python3 run.py docs                   build the documentation into site/; any warning fails

The exit code is the command's own. The installation is repeated only when pyproject.toml changed. Where
cargo is found the native lane (speedups/) is built once and again when it changed; RMQWIRE_LANE=python
does without.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
SPEEDUPS = ROOT / "speedups"
NEEDED = (3, 11)
# Without bytecode every process of a run, and the tests start hundreds, compiles all that it imports.
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
# A file's tests share what is costly to make; tests/conftest.py says which files come first.
ON_ALL_CORES = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
SIDE_BY_SIDE = ["-n", "auto"]  # interop/conftest.py says how many, and which tests stay together


def fail(text: str) -> int:
    """Say what is wrong and give the exit code for it."""
    print(f"run.py: {text}", file=sys.stderr)
    return 2


def stamp_of(extras: str) -> str:
    """Return what the installation depends on: extras, interpreter and pyproject.toml."""
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return f"{extras} {sys.version_info[:3]} {ROOT} {project}"


def venv_is_ours() -> bool:
    """Return whether .venv was made by this Python version."""
    try:
        text = (VENV / "pyvenv.cfg").read_text("utf-8")
    except OSError:
        return False
    version = ".".join(str(part) for part in sys.version_info[:3])
    return f"version = {version}" in text.splitlines()


def install(extras: str) -> int:
    """Make .venv and install the project into it, editable, unless that was done already."""
    stamp = VENV / f"installed{extras}.txt"
    wanted = stamp_of(extras)
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return 0
    if not venv_is_ours():
        print(f"making {VENV}", file=sys.stderr)
        try:
            venv.create(VENV, with_pip=True, clear=True)
        except (OSError, subprocess.CalledProcessError, ImportError) as error:
            return fail(f"can't make {VENV} (is the venv module installed?): {error}")
    print(f"installing rmqwire{extras} into {VENV}", file=sys.stderr)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    code = subprocess.call([*pip, "--editable", f"{ROOT}{extras}"], stdout=sys.stderr)
    if code == 0:
        stamp.write_text(wanted, "utf-8")
    return code


def build_lane() -> int:
    """Build the native lane into .venv if it can be and isn't there; say which lane is used."""
    if os.environ.get("RMQWIRE_LANE") == "python":
        print("lane: python, RMQWIRE_LANE says so", file=sys.stderr)
        return 0
    if shutil.which("cargo") is None:
        print("lane: python, because there is no cargo to build the native one", file=sys.stderr)
        return 0
    sources = [
        path for path in SPEEDUPS.rglob("*") if path.is_file() and "target" not in path.parts
    ]
    content = b"".join(path.read_bytes() for path in sorted(sources))
    stamp, wanted = VENV / "lane.txt", stamp_of(hashlib.sha256(content).hexdigest())
    if not stamp.is_file() or stamp.read_text("utf-8") != wanted:
        print(f"building the native lane, {SPEEDUPS}, into {VENV}", file=sys.stderr)
        pip = [
            str(BIN / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        output = {"CARGO_TARGET_DIR": str(ROOT / "build" / "speedups")}
        code = subprocess.call([*pip, str(SPEEDUPS)], stdout=sys.stderr, env=os.environ | output)
        if code:
            print("lane: python, because the native one could not be built", file=sys.stderr)
            return code
        stamp.write_text(wanted, "utf-8")
    print("lane: native", file=sys.stderr)
    return 0


def run_all(*commands: list[str]) -> int:
    """Run commands of .venv one after another; stop at the first that fails."""
    for command in commands:
        print("$", *command, file=sys.stderr, flush=True)
        program = str(BIN / command[0])  # an absolute path stays
        code = subprocess.call([program, *command[1:]], cwd=ROOT, env=ENVIRONMENT)
        if code:
            print(f"run.py: {command[0]} failed with exit code {code}", file=sys.stderr)
            return code
    return 0


def quickstart(arguments: list[str]) -> int:
    """Install and run the main job, on the Python lane if the native one can't be built."""
    code = install("")
    if code == 0:
        build_lane()
        code = subprocess.call([str(BIN / "rmqwire"), "quickstart", *arguments])
    return code


def test(arguments: list[str]) -> int:
    """Install and run every check; where the lane is native, the broker's tests on both."""
    return (
        install("[test,lint]")
        or build_lane()
        or run_all(
            ["ruff", "check"],
            ["ruff", "format", "--check"],
            ["mypy"],
            ["lint-imports"],
            *crate_checks(),
            ["pytest", "tests", *ON_ALL_CORES, *arguments],
            [
                "pytest",
                "tests/broker",
                "tests/remoting",
                "--lane=python",
                *ON_ALL_CORES,
                *arguments,
            ],
        )
    )


def crate_checks() -> list[list[str]]:
    """Return the commands of the native lane's own checks, none where there is no cargo."""
    cargo = shutil.which("cargo")
    if cargo is None:
        return []
    manifest, output = str(SPEEDUPS / "Cargo.toml"), str(ROOT / "build" / "speedups")
    where = ["--quiet", "--locked", "--manifest-path", manifest, "--target-dir", output]
    checks = [[cargo, "test", *where, "--no-default-features"]]
    if subprocess.run([cargo, "clippy", "--version"], capture_output=True, check=False).returncode:
        print("run.py: clippy is left out, cargo has none", file=sys.stderr)
    else:
        checks.insert(0, [cargo, "clippy", *where, "--all-targets", "--", "-D", "warnings"])
    return checks


def faults(arguments: list[str]) -> int:
    """Install and run the tests with real processes and mounts."""
    return install("[test,lint]") or build_lane() or run_all(["pytest", "tests/faults", *arguments])


def interop(arguments: list[str]) -> int:
    """Install and run the tests against Java peers."""
    command = ["pytest", "interop/", *SIDE_BY_SIDE, *arguments]
    return install("[test,lint]") or build_lane() or run_all(command)


def coverage(arguments: list[str]) -> int:
    """Install and measure what the tests cover; below the floor of pyproject.toml it fails."""
    measured = ["--cov", "--cov-report=term", "--ignore=tests/sim", "--override-ini=timeout=300"]
    return (
        install("[test,lint]")
        or build_lane()
        or run_all(["pytest", "tests", *ON_ALL_CORES, *measured, *arguments])
    )


def bench(arguments: list[str]) -> int:
    """Install, build the native lane if it can be, and measure."""
    code = install("[test,lint]")
    if code == 0:
        build_lane()
        code = run_all(["python", "-m", "bench", *arguments])
    return code


def docs(arguments: list[str]) -> int:
    """Install what builds the documentation, and build it."""
    return install("[docs]") or run_all(["mkdocs", "build", "--quiet", "--strict", *arguments])


COMMANDS = {
    "quickstart": quickstart,
    "test": test,
    "faults": faults,
    "interop": interop,
    "bench": bench,
    "docs": docs,
    "coverage": coverage,
}


def main(arguments: list[str]) -> int:
    """Run one command and give its exit code."""
    if sys.version_info < NEEDED:
        have = ".".join(str(part) for part in sys.version_info[:3])
        return fail(f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed, this is {have}")
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
