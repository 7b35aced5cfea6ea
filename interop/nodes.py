"""rmqwire's own servers as a user starts them: `rmqwire namesrv -c FILE`, `rmqwire broker -c FILE`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from interop import codes_seen
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.wire import registered

RMQWIRE = codes_seen.program()
BROKER_DEFAULTS = {
    "brokerName": "rmqwire-a",
    "brokerClusterName": "DefaultCluster",
    "brokerIP1": "127.0.0.1",
    "bindAddress": "127.0.0.1",
    "mappedFileSizeCommitLog": "4194304",
    "autoCreateTopicEnable": "true",
    "cleanFileForciblyEnable": "false",  # a machine whose disk is full would lose messages of a test
    "waitTimeMillsInSendQueue": "10000",  # the machine is busy with JVMs
}


def start_namesrv(home: Path, settings: Mapping[str, str] | None = None) -> Node:
    """Start an rmqwire name server, on a free port of 127.0.0.1 unless ``settings`` has one."""
    port = int((settings or {}).get("listenPort", free_port()))
    conf = {
        "listenPort": str(port),
        "bindAddress": "127.0.0.1",
        "kvConfigPath": str(home / "kvConfig.json"),
        "configStorePath": str(home / "namesrv.properties"),
        **(settings or {}),
    }
    return _start("namesrv", home, port, conf)


def start_broker(
    home: Path, namesrv: str, settings: Mapping[str, str], program: Sequence[str] = RMQWIRE
) -> Node:
    """Start an rmqwire broker and wait until every server of ``namesrv`` knows it."""
    port = int(settings.get("listenPort", free_port(BROKER_PORTS)))
    conf = {
        **BROKER_DEFAULTS,
        "listenPort": str(port),
        "namesrvAddr": namesrv,
        "storePathRootDir": str(home / "store"),
        **settings,
    }
    node = _start("broker", home, port, conf, program)
    name = conf["brokerName"]
    wait_until(lambda: registered(namesrv, name, node.addr), f"{node.addr} as {name}")
    return node


def _start(
    name: str, home: Path, port: int, conf: Mapping[str, str], program: Sequence[str] = RMQWIRE
) -> Node:
    home.mkdir(parents=True, exist_ok=True)
    file = home / f"{name}.conf"
    file.write_text("".join(f"{key}={value}\n" for key, value in conf.items()))
    command = [sys.executable, *program, name, "-c", str(file)]
    return Node.start(f"rmqwire-{name}", f"127.0.0.1:{port}", command, home)
