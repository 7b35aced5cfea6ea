"""Apache's proxy in cluster mode: gRPC on one port, in front of whichever name server and brokers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from interop.jars import proxy_class_path
from interop.peer import JVM, make_home
from interop.processes import Node, free_port, wait_until

STARTED = "rocketmq-proxy startup successfully"
DEFAULTS = {
    "rocketMQClusterName": "DefaultCluster",
    "proxyMode": "CLUSTER",
    "localServeAddr": "127.0.0.1",
    "minInvisibleTimeMillsForRecv": 1000,  # by default it makes 10 s of less
    "transactionHeartbeatPeriodSecond": 1,  # who is asked for the outcome of a transaction
}


def start_proxy(
    home: Path, namesrv: str, settings: Mapping[str, object] | None = None, version: str = "5.5.0"
) -> Node:
    """Start a proxy and wait until it serves gRPC clients."""
    make_home(home)
    grpc, remoting = free_port(), free_port()
    conf = {
        **DEFAULTS,
        "namesrvAddr": namesrv,
        "grpcServerPort": grpc,
        "remotingListenPort": remoting,
        **(settings or {}),
    }
    file = home / "rmq-proxy.json"
    file.write_text(json.dumps(conf, indent=1))
    command = [
        "java", *JVM, f"-Duser.home={home}", "-cp", proxy_class_path(version),
        "org.apache.rocketmq.proxy.ProxyStartup", "-pc", str(file),
    ]  # fmt: skip
    node = Node.start("java-proxy", f"127.0.0.1:{grpc}", command, home)
    wait_until(lambda: node.accepts() and STARTED in node.tail(), f"{node.name}\n{node.tail()}")
    return node
