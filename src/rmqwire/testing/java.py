"""Apache RocketMQ itself for tests: a name server and a broker from the jars of Maven Central.

They are downloaded once for each release, by Maven, to ``~/.cache/rmqwire/java`` (or below
XDG_CACHE_HOME), and run on 127.0.0.1 with small files in a folder that is removed at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from rmqwire.errors import UsageError
from rmqwire.testing.server import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MODULES = ("namesrv", "broker")
NAMESRV = "org.apache.rocketmq.namesrv.NamesrvStartup"
BROKER = "org.apache.rocketmq.broker.BrokerStartup"
BOOTED = "boot success"
START_S = 90.0
STOP_S = 10.0
DOWNLOAD_S = 900.0
JVM = (
    "-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:MaxDirectMemorySize=256m",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
)  # fmt: skip
SETTINGS = {
    "brokerName": "broker-a",
    "brokerClusterName": "DefaultCluster",
    "brokerIP1": HOST,
    "bindAddress": HOST,
    "mappedFileSizeCommitLog": str(16 << 20),
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "mappedFileSizeTimerLog": str(1 << 20),
}
LOGBACK = """<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %p %m%n</pattern></encoder>
  </appender>
  <root level="ERROR"><appender-ref ref="OUT"/></root>
</configuration>
"""
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rmqwire</groupId><artifactId>testing</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{}</dependencies>
</project>
"""
DEPENDENCY = (
    "<dependency><groupId>org.apache.rocketmq</groupId>"
    "<artifactId>rocketmq-{}</artifactId><version>{}</version></dependency>"
)


@contextmanager
def java_server(release: str) -> Iterator[str]:
    """Run a Java name server and a Java broker; give the name server's ``host:port``.

    Args:
        release: such as ``5.5.0``.

    Raises:
        UsageError: no such release, no JDK or Maven here, or a server doesn't start.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", release):
        raise UsageError(f"java:{release}: no release of RocketMQ, such as 5.5.0")
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        raise UsageError(f"java:{release}: not installed: {', '.join(missing)}")
    jars = jar_folder(release)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rmqwire-java-")))
        port = free_ports()
        conf = {"listenPort": str(port), "bindAddress": HOST}
        stack.enter_context(_running(NAMESRV, jars, home / "namesrv", conf))
        addr = f"{HOST}:{port}"
        port = free_ports()
        conf = SETTINGS | {
            "listenPort": str(port),
            "haListenPort": str(port + 1),
            "namesrvAddr": addr,
            "storePathRootDir": str(home / "broker" / "store"),
        }
        stack.enter_context(_running(BROKER, jars, home / "broker", conf))
        yield addr


def jar_folder(release: str) -> Path:
    """Return the folder with the jars of a release, downloading them once.

    Raises:
        UsageError: Maven can't get them.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = cache / "rmqwire" / "java" / release
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as making:
        pom = Path(making) / "pom.xml"
        dependencies = "".join(DEPENDENCY.format(module, release) for module in MODULES)
        pom.write_text(POM.format(dependencies))
        command = [
            "mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={making}/jars",
        ]  # fmt: skip
        made = subprocess.run(  # noqa: S603  Maven, with a number that was checked
            command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False
        )
        if made.returncode != 0:
            raise UsageError(f"Maven can't get RocketMQ {release}: {_tail(made.stdout)}")
        if not folder.exists():  # another process may have made it meanwhile
            (Path(making) / "jars").rename(folder)
    return folder


@contextmanager
def _running(main: str, jars: Path, home: Path, conf: Mapping[str, str]) -> Iterator[None]:
    """Run one server until the block is left."""
    (home / "conf").mkdir(parents=True)
    for name in MODULES:  # the start-up classes of 4.9 want them
        (home / "conf" / f"logback_{name}.xml").write_text(LOGBACK)
    file = home / "server.conf"
    file.write_text("".join(f"{key}={value}\n" for key, value in conf.items()))
    command = [
        "java", *JVM, f"-Drocketmq.home.dir={home}", f"-Duser.home={home}",
        "-cp", f"{jars}/*", main, "-c", str(file),
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603  Java, with words of our own
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home
    )
    output = _Output(process)
    try:
        output.wait_for(BOOTED, main)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        output.join()


class _Output:
    """What a server prints, read until its end so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._said: list[str] = []
        self._thread = threading.Thread(target=self._read, name="rmqwire-java", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, text: str, what: str) -> None:
        """Return when a line with ``text`` comes.

        Raises:
            UsageError: it ends without, or says nothing for too long.
        """
        try:
            while (line := self._lines.get(timeout=START_S)) is not None:
                self._said.append(line)
                if text in line:
                    return
        except Empty:
            pass
        raise UsageError(f"{what} doesn't start: {_tail(''.join(self._said))}")

    def join(self) -> None:
        """Wait for the end of the output, and close it."""
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _tail(text: str) -> str:
    return text.strip()[-2_000:] or "it says nothing"
