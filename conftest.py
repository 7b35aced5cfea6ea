"""What `pytest tests/` and `pytest interop/` share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rmqwire.codec.native import SWITCH, is_native, module_fault

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fail-on-skip", action="store_true", help="a skipped test fails the run (for CI)"
    )
    parser.addoption(
        "--lane",
        choices=["auto", "python", "native"],
        help=f"which lane all brokers of the run have ({SWITCH}); auto: native where it is built",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--lane"):
        os.environ[SWITCH] = config.getoption("--lane")


def pytest_report_header() -> str:
    left_out = (
        f"; left out are the native lane's own tests, {fault}" if (fault := module_fault()) else ""
    )
    return f"lane: {'native' if is_native() else 'python'}{left_out}"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what compares the lanes where there is only one."""
    return True if collection_path.name.endswith("_lane.py") and module_fault() else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not session.config.getoption("--fail-on-skip"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
