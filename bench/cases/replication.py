"""A master and a slave of each kind: an empty slave's catch-up, and sends that a slave must have."""

from __future__ import annotations

import dataclasses
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from bench.cases.group import Group
from bench.cases.sends import load_of
from bench.log import QUEUES, RECORD, TOPIC, build_index, fill
from bench.machine import cpu_seconds
from bench.results import Figures
from bench.rounds import Bench
from bench.sides import KINDS, Server, start_broker
from interop import nodes
from interop.processes import BROKER_PORTS, free_port, wait_until
from interop.wire import ask, max_offset
from rmqwire.codec.bodies import HARuntimeInfo, KVTable
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

MB = 1_000_000
LOG_MIB, QUICK_MIB = 512, 64
SAMPLE_S, LIMIT_S = 0.02, 120
PAIRS = [f"{master}-{slave}" for master in KINDS for slave in KINDS]
CATCH_UP, SYNC = "ha/catch-up", "ha/sync"
ALIKE = f"{SYNC}-master"  # master and slave of the same kind
LOAD = "send/128B/64x1/ROCKETMQ/async"
MASTER = {"brokerRole": "SYNC_MASTER", "inSyncReplicas": "2"}
SLAVE = {"brokerRole": "SLAVE", "brokerId": "1"}
NAMES = [
    *(f"{CATCH_UP}/{pair}" for pair in PAIRS),
    ALIKE,
    *(f"{SYNC}/{pair}" for pair in PAIRS if len(set(pair.split("-"))) > 1),
]
DEFAULT = [*(f"{CATCH_UP}/java-{slave}" for slave in KINDS), ALIKE]


def end_of_log(addr: str) -> int:
    """Return where a broker's log ends, -1 while nobody answers."""
    try:
        answer = ask(addr, RemotingCommand.request(RequestCode.GET_BROKER_RUNTIME_INFO))
    except (OSError, EOFError):
        return -1
    if answer.code != 0:
        return -1
    return int((KVTable.decode(bytes(answer.body)).table or {})["commitLogMaxOffset"])


def messages_in_queues(addr: str) -> int:
    return sum(max_offset(addr, TOPIC, queue) for queue in range(QUEUES))


def slaves_in_sync(addr: str) -> int:
    answer = ask(addr, RemotingCommand.request(RequestCode.GET_BROKER_HA_STATUS))
    return HARuntimeInfo.decode(bytes(answer.body)).in_sync_slave_nums if answer.code == 0 else 0


class Watch(threading.Thread):
    """Looks at a slave from before its start until it has all that its master has."""

    def __init__(self, addr: str, end: int, messages: int) -> None:
        super().__init__(daemon=True)
        self._addr, self._end, self._messages = addr, end, messages
        self._began = time.monotonic()
        self.samples: list[tuple[float, int]] = []
        self.in_sync = 0.0
        self.start()

    def run(self) -> None:
        while self._now() < LIMIT_S:
            end = end_of_log(self._addr)
            self.samples.append((self._now(), end))
            if end == self._end:
                break
            time.sleep(SAMPLE_S)
        while self._now() < LIMIT_S:
            if messages_in_queues(self._addr) == self._messages:
                self.in_sync = self._now()
                return
            time.sleep(SAMPLE_S)

    def _now(self) -> float:
        return time.monotonic() - self._began


def port_settings(name: str) -> dict[str, str]:
    return {"brokerName": name, "listenPort": str(free_port(BROKER_PORTS))}


def catch_up_once(master: Server, slave_kind: str, home: Path, messages: int) -> Figures:
    """Start an empty slave; its process's time and CPU until it has all."""
    settings = port_settings("catch-up") | SLAVE
    before = cpu_seconds(master.pid)
    watch = Watch(f"127.0.0.1:{settings['listenPort']}", messages * RECORD, messages)
    slave = start_broker(slave_kind, home, master.namesrv, settings)
    watch.join()
    cpu = cpu_seconds(slave.pid)
    slave.node.kill()
    if not watch.in_sync:
        raise RuntimeError(f"a {slave_kind} slave has not all after {LIMIT_S} s")
    began, first = next(sample for sample in watch.samples if sample[1] > 0)
    ended, end = watch.samples[-1]
    return {
        "seconds": watch.in_sync,
        "first_byte_s": began,
        "mb_s": (end - first) / max(ended - began, SAMPLE_S) / MB,
        "slave_cpu_s": cpu,
        "master_cpu_s": cpu_seconds(master.pid) - before,
    }


def catch_up(bench: Bench, pairs: list[str]) -> None:
    """Give the masters of all pairs the same log, then start slaves in turn."""
    with ExitStack() as running:
        home = running.enter_context(bench.apart())
        messages = fill(home / "log", QUICK_MIB if bench.quick else LOG_MIB)
        build_index(home / "log")
        for kind in KINDS:
            mine = [pair for pair in pairs if pair.startswith(f"{kind}-")]
            if mine:
                catch_up_of_master(bench, kind, mine, home, messages)
    for pair in pairs:
        bench.tell(f"{CATCH_UP}/{pair}")


def catch_up_of_master(
    bench: Bench, kind: str, pairs: list[str], home: Path, messages: int
) -> None:
    """Serve the log by one master; it is stopped in order, so the next has nothing to repair."""
    namesrv = nodes.start_namesrv(home / f"namesrv-{kind}")
    settings = port_settings("catch-up") | {"storePathRootDir": str(home / "log")}
    master = start_broker(kind, home / f"master-{kind}", namesrv.addr, settings)
    try:
        wait_until(lambda: messages_in_queues(master.node.addr) == messages, "the master's queues")
        for number in range(bench.rounds):
            for pair in pairs[:: -1 if number % 2 else 1]:
                slave = pair.partition("-")[2]
                with bench.home() as folder:
                    figures = catch_up_once(master, slave, folder, messages)
                bench.results.add(f"{CATCH_UP}/{pair}", slave, figures)
    finally:
        master.node.stop()
        namesrv.kill()


def start_pair(running: ExitStack, pair: str, home: Path) -> Server:
    """Start a SYNC_MASTER and its slave; return the master, with the slave as its helper."""
    kinds = pair.split("-")
    namesrv = nodes.start_namesrv(home / "namesrv")
    running.callback(namesrv.kill)
    master = start_broker(kinds[0], home / "master", namesrv.addr, port_settings(pair) | MASTER)
    running.callback(master.node.kill)
    slave = start_broker(kinds[1], home / "slave", namesrv.addr, port_settings(pair) | SLAVE)
    running.callback(slave.node.kill)
    wait_until(lambda: slaves_in_sync(master.node.addr) > 0, f"{pair}: a slave in sync")
    return dataclasses.replace(master, helpers=(slave.pid,))


def sync(bench: Bench, names: list[str]) -> None:
    cases = [(name, f"{kind}-{kind}") for name in names if name == ALIKE for kind in bench.kinds]
    cases += [(name, name.rpartition("/")[2]) for name in names if name != ALIKE]
    load = load_of(LOAD)
    with ExitStack() as running:
        home = running.enter_context(bench.apart())
        entries = [(name, start_pair(running, pair, home / pair), load) for name, pair in cases]
        bench.compare(entries)


def run(bench: Bench, names: list[str]) -> None:
    here = set(bench.kinds)
    names = [
        name for name in names if name == ALIKE or here.issuperset(name.split("/")[2].split("-"))
    ]
    pairs = [name.rpartition("/")[2] for name in names if name.startswith(CATCH_UP)]
    if pairs:
        catch_up(bench, pairs)
    if others := [name for name in names if not name.startswith(CATCH_UP)]:
        sync(bench, others)


GROUP = Group(
    "an empty slave's catch-up; 64 connections that send to a SYNC_MASTER, inSyncReplicas=2",
    NAMES, DEFAULT, run,
)  # fmt: skip
