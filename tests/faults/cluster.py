"""A name server and a broker as processes of their own, on 127.0.0.1."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0


def free_port() -> int:
    """Return a port nobody listens on, with the one two below it free too (the VIP port)."""
    while True:
        with socket.socket() as one, socket.socket() as vip:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError):
                vip.bind(("127.0.0.1", port - 2))
                return port


class Server:
    """One process of ours; ``said`` holds what it wrote.

    Args:
        arguments: of the program.
        ready: pattern of the line that says that it serves.
        module: the program.
    """

    def __init__(self, *arguments, ready: str, module="rmqwire"):
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        self._is_ready = False
        self._told = threading.Event()  # it is ready, or its output has ended
        self._reader = threading.Thread(target=self._read, args=(re.compile(ready),), daemon=True)
        self._reader.start()
        self._told.wait(START_LIMIT_S)
        if not self._is_ready:
            self.kill()
            raise AssertionError(f"{arguments} did not start: {self.said}")
        self.start_s = time.monotonic() - began

    def _read(self, ready):
        for line in self.process.stdout:
            self.said += line
            if ready.search(line):
                self._is_ready = True
                self._told.set()
        self._told.set()

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self.process.kill()
        self._ended(STOP_LIMIT_S)

    def stop(self, limit_s=STOP_LIMIT_S) -> int:
        """Send SIGTERM; give the exit code.

        Raises:
            subprocess.TimeoutExpired: it didn't end in time.
        """
        self.process.send_signal(signal.SIGTERM)
        return self._ended(limit_s)

    def _ended(self, limit_s):
        code = self.process.wait(limit_s)
        self._reader.join()
        self.process.stdout.close()
        return code


class Cluster:
    """A name server that stays and a broker that comes and goes.

    Args:
        folder: for broker.conf and the store.
        store: the store's folder when it is to be elsewhere.
        settings: further lines of broker.conf.
    """

    def __init__(self, folder, store=None, **settings):
        self.folder = folder
        self.store = store or folder / "store"
        self.port = free_port()
        self.namesrv = Server("namesrv", "--port", 0, "--bind", "127.0.0.1", ready="boot success")
        self.namesrv_addr = re.search(r"address (\S+)", self.namesrv.said)[1]
        self.starts_s: list[float] = []
        lines = {
            "brokerName": "b",
            "brokerIP1": "127.0.0.1",
            "bindAddress": "127.0.0.1",
            "listenPort": self.port,
            "haListenPort": free_port(),
            "storePathRootDir": self.store,
            "mappedFileSizeConsumeQueue": 6000,
            "namesrvAddr": self.namesrv_addr,
            "waitTimeMillsInSendQueue": 10_000,  # the machine may be busy with other tests
        }
        text = "".join(f"{key}={value}\n" for key, value in (lines | settings).items())
        self.conf = folder / "broker.conf"
        self.conf.write_text(text)
        self.broker = None
        self.start_broker()

    def start_broker(self) -> Server:
        """Start the broker, or start it again."""
        self.broker = Server("broker", "-c", self.conf, ready="data in")
        self.starts_s.append(self.broker.start_s)
        return self.broker

    def close(self) -> None:
        """Kill what still runs."""
        for server in (self.broker, self.namesrv):
            if server is not None and server.process.poll() is None:
                server.kill()
