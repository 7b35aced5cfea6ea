"""Apache's gRPC clients, installed once by their own package managers into the cache of the jars.

A command to them is a name, a tab and a JSON object; see ``client.js`` for what each has in it. They are
driven and answer as ``interop/client_program.py`` says.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import uuid
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from interop import jars
from interop.client_program import ClientProgram
from interop.peer import JVM, make_home
from rmqwire import Credentials

HERE = Path(__file__).resolve().parent
Message = dict[str, Any]


class GrpcClient(ClientProgram):
    """A running program with gRPC producers and consumers."""

    def command(self, command: str, /, **words: Any) -> list[Message]:
        return self.call(command, json.dumps(words, ensure_ascii=False))

    def sign(self, credentials: Credentials) -> None:
        """Sign from now on, for as long as the program runs."""
        keys = {"accessKey": credentials.access_key, "secretKey": credentials.secret_key}
        self.command("sign", **keys)

    def send(self, endpoints: str, messages: Sequence[Message]) -> list[Message]:
        """Send messages one after the other; return their ids and recall handles."""
        return self.command("send", endpoints=endpoints, messages=list(messages))

    def recall(self, endpoints: str, topic: str, handle: str) -> str:
        """Take back a message that is not yet delivered; return its id."""
        [said] = self.command("recall", endpoints=endpoints, topic=topic, handle=handle)
        return str(said["messageId"])

    def simple(self, endpoints: str, topic: str, **more: str) -> Consumer:
        """Start a simple consumer; ``more``: as of Consumer."""
        return Consumer(self, "simple", endpoints, topic, **more)

    def push(self, endpoints: str, topic: str, failures: int = 0, **more: str) -> Consumer:
        """Start a push consumer whose first ``failures`` deliveries of each message fail."""
        return Consumer(self, "push", endpoints, topic, failures=failures, **more)

    def push_lite(
        self, endpoints: str, topic: str, group: str, lite: Sequence[str], failures: int = 0
    ) -> Consumer:
        """Start a push consumer, as ``push`` does, of some lite topics of a topic."""
        words = {"lite": list(lite), "failures": failures}
        return Consumer(self, "push", endpoints, topic, group=group, **words)


class Consumer:
    """A consumer in a client program; a context manager.

    Args:
        client: the program.
        kind: ``simple`` or ``push``.
        endpoints: of the proxy.
        topic: what it subscribes to.
        group: its group, new if not given.
        expression: which messages of the topic.
        filter_type: how to read the expression, ``TAG`` or ``SQL92``.
        more: of this kind's own.
    """

    def __init__(
        self, client: GrpcClient, kind: str, endpoints: str, topic: str, *,
        group: str = "", expression: str = "*", filter_type: str = "TAG", **more: object,
    ) -> None:  # fmt: skip
        self.client = client
        self.name = uuid.uuid4().hex[:8]
        self.group = group or f"grpc_{self.name}"
        client.command(
            kind, name=self.name, endpoints=endpoints, group=self.group, topic=topic,
            expression=expression, filter=filter_type, **more,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.command("close", name=self.name)

    def poll(self, count: int, seconds: float = 30) -> list[Message]:
        """Return ``count`` deliveries to a push consumer, or those that came in time."""
        return self.client.command("poll", name=self.name, count=count, ms=int(seconds * 1000))

    def receive(self, count: int, invisible_s: int = 20) -> list[Message]:
        """Ask once for messages; the proxy waits up to 5 s for some of one queue or all."""
        return self.client.command("receive", name=self.name, max=count, seconds=invisible_s)

    def ack(self, message: Message) -> None:
        self.client.command("ack", name=self.name, handle=message["handle"])

    def change(self, message: Message, seconds: int) -> None:
        """Let a received message come again in ``seconds``."""
        self.client.command("change", name=self.name, handle=message["handle"], seconds=seconds)

    def receive_all(self, count: int, rounds: int = 8, *, more: bool = False) -> list[Message]:
        """Receive and acknowledge until ``count`` messages have come; ``more``: and once again."""
        got: list[Message] = []
        while rounds and len(got) < count:
            some = self.receive(32)
            for message in some:
                self.ack(message)
            got += some
            rounds -= 1
        return got + (self.receive(32) if more else [])


def start(name: str, home: Path) -> GrpcClient:
    """Start the client ``java``, ``node`` or ``python``, installed first where it isn't."""
    return _STARTS[name](home)


def absent(name: str) -> str | None:
    """Say in one line what a client needs that isn't on this machine, or None."""
    needed = {"java": (), "node": ("node", "npm"), "python": ()}[name]
    missing = [tool for tool in needed if shutil.which(tool) is None]
    return f"{name}: not installed: {', '.join(missing)}" if missing else None


def _made(name: str, recipe: Path, install: Callable[[Path], None]) -> Path:
    """Return the folder that ``install`` has filled from ``recipe``, once for each text of it."""
    made = jars.cache_dir() / f"grpc-{name}-{hashlib.sha256(recipe.read_bytes()).hexdigest()[:12]}"
    if not (made / "complete").exists():
        made.mkdir(parents=True, exist_ok=True)
        install(made)
        (made / "complete").touch()
    return made


def _start_java(home: Path) -> GrpcClient:
    pom = HERE / "java" / "pom.xml"
    folder = _made("java", pom, lambda made: jars.download(pom, made))
    jars.compile_java(HERE / "java", folder, folder / "classes")
    make_home(home)
    logs = f"-Drocketmq.log.root={home}/logs"
    command = ["java", *JVM, f"-Duser.home={home}", logs, "-cp", f"{folder}/classes:{folder}/*"]
    return GrpcClient("java", [*command, "GrpcClient"], home)


def _start_node(home: Path) -> GrpcClient:
    def install(made: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / file, made)
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=made)

    made = _made("node", HERE / "node" / "package-lock.json", install)
    modules = {"NODE_PATH": str(made / "node_modules")}
    return GrpcClient("node", ["node", str(HERE / "node" / "client.js")], home, modules)


def _start_python(home: Path) -> GrpcClient:
    recipe = HERE / "python" / "requirements.txt"

    def install(made: Path) -> None:
        venv.create(made, with_pip=True, clear=True)
        pip = (str(made / "bin" / "python"), "-m", "pip", "install", "-q")
        _run(*pip, "--disable-pip-version-check", "-r", str(recipe), cwd=made)

    made = _made("python", recipe, install)
    command = [str(made / "bin" / "python"), str(HERE / "python" / "client.py")]
    return GrpcClient("python", command, home)


_STARTS: dict[str, Callable[[Path], GrpcClient]] = {
    "java": _start_java,
    "node": _start_node,
    "python": _start_python,
}


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, check=True, timeout=600, cwd=cwd)
