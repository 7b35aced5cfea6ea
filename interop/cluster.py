"""Where the real Apache RocketMQ servers come from: one interface, three providers.

``docker``: the official images through docker-compose.yml; ``maven``: the same programs from Maven
Central as JVM processes; ``HOST:PORT``: a cluster that is there already, named by its name server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from interop.jars import class_path, missing_tools
from interop.peer import JVM, make_home
from interop.processes import BROKER_PORTS, Node, free_port, is_free, wait_until
from interop.wire import registered, route_known

REPOSITORY = Path(__file__).resolve().parent.parent
BROKER_DEFAULTS = {
    "brokerName": "java-a",
    "brokerClusterName": "DefaultCluster",
    "brokerIP1": "127.0.0.1",
    "bindAddress": "127.0.0.1",
    "mappedFileSizeCommitLog": "4194304",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "mappedFileSizeTimerLog": "1048576",
    "autoCreateTopicEnable": "true",
    "cleanFileForciblyEnable": "false",  # a machine whose disk is full would lose messages of a test
    "transactionOpBatchInterval": "200",  # 5.x waits that long when it ends: by default 3 s
    # The machine is busy: by default what waited for 200 ms is refused, and a oneway message is lost.
    "waitTimeMillsInSendQueue": "10000",
    # 5.x spins on a whole core until the first of these is over, by default 10 s, and compares the
    # whole wheel of its timers, 38 MB, each time that the second is: by default every second.
    "transactionMetricFlushInterval": "500",
    "timerFlushIntervalMs": "20000",
}
DOCKER_PORTS = (9876, 10909, 10911, 10912)  # of namesrv and java-master


class Unavailable(Exception):
    """This provider can't do that here; the text says why in one line."""


class Cluster(ABC):
    """Real RocketMQ servers of one version."""

    version: str

    @abstractmethod
    def namesrv(self) -> str:
        """Return the address of a running Java name server with a running Java master."""

    @abstractmethod
    def start_namesrv(self, home: Path, port: int | None = None) -> Node:
        """Start one more Java name server of one's own, on a free port or ``port``."""

    @abstractmethod
    def start_broker(self, home: Path, namesrv: str, settings: Mapping[str, str]) -> Node:
        """Start one more Java broker of one's own; ``settings`` go over the defaults."""

    @abstractmethod
    def stop(self) -> None:
        """End everything that this object started."""


class MavenCluster(Cluster):
    """JVM processes on 127.0.0.1 from the jars of Maven Central.

    Args:
        version: of Apache RocketMQ.
        home: folder of those that the cluster itself needs.
        jvm: options of every JVM; by default small and quick to start.
    """

    def __init__(self, version: str, home: Path, jvm: Sequence[str] = JVM) -> None:
        reason = missing_tools()
        if reason:
            raise Unavailable(f"--cluster=maven: {reason}")
        self.version = version
        self._jvm = jvm
        self.home = home
        self.nodes: list[Node] = []
        self._namesrv: str | None = None

    def namesrv(self) -> str:
        if self._namesrv is None:
            addr = self.start_namesrv(self.home / "namesrv").addr
            self.start_broker(self.home / "broker", addr, {})
            self._namesrv = addr
        return self._namesrv

    def start_namesrv(self, home: Path, port: int | None = None) -> Node:
        port = port or free_port()
        conf = {"listenPort": str(port), "bindAddress": "127.0.0.1"}
        main = "org.apache.rocketmq.namesrv.NamesrvStartup"
        return self._start("namesrv", home, port, conf, main)

    def start_broker(self, home: Path, namesrv: str, settings: Mapping[str, str]) -> Node:
        port = int(settings.get("listenPort", free_port(BROKER_PORTS)))
        conf = BROKER_DEFAULTS | {
            "listenPort": str(port),
            "haListenPort": str(port + 1),
            "namesrvAddr": namesrv,
            "storePathRootDir": str(home / "store"),
        }
        conf |= settings
        node = self._start("broker", home, port, conf, "org.apache.rocketmq.broker.BrokerStartup")
        name, told = conf["brokerName"], f"{conf['brokerIP1']}:{port}"
        wait_until(lambda: registered(namesrv, name, told), f"{told} as {name}")
        return node

    def _start(self, name: str, home: Path, port: int, conf: Mapping[str, str], main: str) -> Node:
        make_home(home)
        file = home / f"{name}.conf"
        file.write_text("".join(f"{key}={value}\n" for key, value in conf.items()))
        command = [
            "java", *self._jvm,
            f"-Drocketmq.home.dir={home}", f"-Duser.home={home}",
            "-cp", class_path(self.version), main, "-c", str(file),
        ]  # fmt: skip
        node = Node.start(f"java-{name}", f"127.0.0.1:{port}", command, home)
        self.nodes.append(node)
        return node

    def stop(self) -> None:
        for node in reversed(self.nodes):
            if node.process.poll() is None:
                node.kill()


class DockerCluster(Cluster):
    """The official images through the repository's docker-compose.yml (host network).

    What compose has no service for (one more server on a test's own folder) runs from the jars.
    """

    NAMESRV = "127.0.0.1:9876"

    def __init__(self, version: str, home: Path) -> None:
        reason = docker_missing() or ports_taken()
        if reason:
            raise Unavailable(f"--cluster=docker: {reason}")
        self.version = version
        self.home = home
        self._up = False
        self._own: MavenCluster | None = None

    def _jars(self) -> MavenCluster:
        if self._own is None:
            self._own = MavenCluster(self.version, self.home)
        return self._own

    def namesrv(self) -> str:
        if not self._up:
            self._up = True
            compose(self.version, "up", "--detach", "--wait", "namesrv", "java-master")
            wait_until(lambda: route_known(self.NAMESRV, "TBW102"), "the Java cluster in Docker")
        return self.NAMESRV

    def start_namesrv(self, home: Path, port: int | None = None) -> Node:
        return self._jars().start_namesrv(home, port)

    def start_broker(self, home: Path, namesrv: str, settings: Mapping[str, str]) -> Node:
        return self._jars().start_broker(home, namesrv, settings)

    def stop(self) -> None:
        if self._own is not None:
            self._own.stop()
        if self._up:
            compose(self.version, "--profile", "*", "down", "--volumes")


class ExternalCluster(Cluster):
    """A cluster that runs already; nothing is started or stopped."""

    def __init__(self, version: str, addr: str) -> None:
        self.version = version
        self.addr = addr

    def namesrv(self) -> str:
        return self.addr

    def start_namesrv(self, home: Path, port: int | None = None) -> Node:
        raise Unavailable(f"--cluster={self.addr} is somebody's cluster: no server is started")

    def start_broker(self, home: Path, namesrv: str, settings: Mapping[str, str]) -> Node:
        raise Unavailable(f"--cluster={self.addr} is somebody's cluster: no server is started")

    def stop(self) -> None:
        """Leave it as it is: it was there before us."""


def compose(version: str, *words: str) -> None:
    """Run ``docker compose`` on the repository's file for one release."""
    command = ["docker", "compose", "-f", str(REPOSITORY / "docker-compose.yml"), *words]
    environment = os.environ | {"ROCKETMQ_VERSION": version}
    subprocess.run(command, check=True, timeout=900, env=environment)


def docker_missing() -> str | None:
    """Say in one line why Docker can't be used here, or None."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    answer = subprocess.run(
        ["docker", "compose", "ls"], capture_output=True, text=True, timeout=60, check=False
    )
    if answer.returncode == 0:
        return None
    return (answer.stderr or answer.stdout).strip().splitlines()[0]


def ports_taken() -> str | None:
    """Say in one line that the ports of docker-compose.yml's Java servers are in use, or None.

    Whoever listens there would be taken for our cluster.
    """
    taken = [str(port) for port in DOCKER_PORTS if not is_free(port)]
    return f"in use already: 127.0.0.1:{', '.join(taken)}" if taken else None


def choose(kind: str, version: str, home: Path) -> Cluster:
    """Make the provider that ``--cluster`` names (``auto``: Docker where it can, else Maven)."""
    if kind == "auto":
        kind = "maven" if docker_missing() or ports_taken() else "docker"
    if kind == "maven":
        return MavenCluster(version, home)
    if kind == "docker":
        return DockerCluster(version, home)
    if ":" in kind:
        return ExternalCluster(version, kind)
    raise Unavailable(f"--cluster={kind}: must be auto, docker, maven or HOST:PORT")
