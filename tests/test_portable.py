"""Codec, clients, inspector and the clients' commands run where there is no Linux.

They import nothing of it: neither modules that Windows has not, nor what it lacks in those that are there.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, importlib, multiprocessing, os, pkgutil, select, signal, socket, sys
import click, trio  # they and the standard library know where they are

MISSING = {"fcntl", "resource", "termios", "pty", "tty", "grp", "pwd", "syslog"}
LACKED = {
    os: "fork register_at_fork pread pwrite preadv pwritev posix_fallocate posix_fadvise fdatasync"
    " sched_getaffinity getuid geteuid getgid chown fchown fchmod mkfifo nice setsid killpg statvfs"
    " fstatvfs sendfile uname openpty lockf getloadavg sysconf O_DIRECTORY O_NOFOLLOW O_CLOEXEC"
    " SEEK_DATA SEEK_HOLE",
    signal: "SIGHUP SIGUSR1 SIGUSR2 SIGPIPE SIGQUIT SIGKILL SIGCHLD SIGALRM pthread_sigmask setitimer",
    socket: "AF_UNIX SO_REUSEPORT TCP_USER_TIMEOUT MSG_DONTWAIT SO_PEERCRED",
    select: "epoll poll",
}

class NotHere:
    def find_spec(self, name, path=None, target=None):
        if name in MISSING:
            raise ModuleNotFoundError(f"no {name} on this system", name=name)

sys.meta_path.insert(0, NotHere())
for name in MISSING:
    sys.modules.pop(name, None)
for module, names in LACKED.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), package.__name__ + "."):
        importlib.import_module(module.name)
"""
ROOMS = [
    "codec",
    "filter",
    "client",
    "producer",
    "consumer",
    "inspector",
    "bridge",
    "aio",
    "blocking",
]
MORE = ["otel", "admin"]
COMMANDS = ["cli.group", "cli.produce", "cli.consume", "cli.inspect", "cli.admin"]


@pytest.mark.parametrize("modules", [ROOMS, MORE + COMMANDS], ids=["clients", "commands"])
def test_what_is_portable_imports_nothing_of_linux(modules):
    command = [sys.executable, "-c", PROGRAM, *(f"rmqwire.{module}" for module in modules)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
