"""The programs of rocketmq-example run as they are against rmqwire. ``-m optin``.

The page with what each showed is made by ``interop.record_examples``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import nodes
from interop.examples import (
    NAMESRV,
    PROGRAMS,
    RUNS,
    SETTINGS,
    as_it_must,
    make_topics,
    run_together,
)
from interop.jars import example_class_path
from interop.peer import Peer
from interop.processes import BROKER_PORTS, is_free

pytestmark = pytest.mark.optin
PORT = NAMESRV.rpartition(":")[2]
PORTS = (int(PORT), *(int(SETTINGS["listenPort"]) + offset for offset in BROKER_PORTS))


@pytest.fixture(scope="module")
def ours(
    version: str, peers: dict[str, Peer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """rmqwire where the programs look for it."""
    if example_class_path(version) is None:
        pytest.skip(f"rocketmq-example {version} isn't at Maven Central: interop.build_examples")
    if not all(map(is_free, PORTS)):
        pytest.skip(f"where the programs look for servers somebody has a port: {PORTS}")
    home = tmp_path_factory.mktemp(f"examples-{version}")
    release = {"rocketmqVersion": version}
    namesrv = nodes.start_namesrv(home / "namesrv", release | {"listenPort": PORT})
    broker = nodes.start_broker(home / "broker", NAMESRV, release | SETTINGS)
    make_topics(peers["JSON"], broker.addr)
    yield
    assert broker.stop() == 0, broker.tail()
    assert "Traceback" not in broker.tail(1_000_000), broker.tail()
    assert namesrv.stop() == 0, namesrv.tail()


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("run", RUNS)
def test_each_program_shows_what_it_must(version: str, run: str, tmp_path: Path) -> None:
    if not any(one.run == run and version in one.releases for one in PROGRAMS):
        pytest.skip(f"{version} has none")
    assert [one for one in run_together(version, run, tmp_path) if not as_it_must(one)] == []
