"""Every legal disk after a power cut, and what the store makes of each.

``record_run`` lets a store work on a recorded disk. ``crash_states`` replays the record change by
change and gives, for each moment, the disks a power cut may leave: nothing of what is pending,
all, each piece missing, each piece alone, and random subsets of any versions. ``survive`` starts
the real store on one of them, checks it, writes on, cuts the power again and checks once more.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

from rmqwire.errors import RmqError
from tests.support.checker import Checker, Violation
from tests.support.histories import StoreDriver
from tests.support.recording_files import RecordingFiles, replay
from tests.support.sim_files import SECTOR, SimFiles
from tests.support.stores import ROOT, Clock, make_store, small_config

RANDOM_SUBSETS = 16
SYNC = {"flush_disk_type": "SYNC_FLUSH"}


@dataclass(slots=True)
class Run:
    """What a store did: the disk before, the changes, the events with the change they follow."""

    config: object
    before: SimFiles
    trace: list = field(default_factory=list)
    events: list = field(default_factory=list)  # (changes so far, event)


@dataclass(slots=True)
class CrashState:
    """One disk after a power cut behind change ``at``."""

    at: int
    name: str
    files: SimFiles


def new_disk(sector=SECTOR) -> SimFiles:
    """Return a disk with an empty, durable store folder."""
    files = SimFiles(sector)
    files.makedirs(ROOT)
    files.settle()
    return files


def record_run(
    seed: int,
    steps: int = 40,
    sector: int = SECTOR,
    faults=None,
    *,
    deletions: bool = False,
    **settings,
) -> Run:
    """Let a SYNC_FLUSH store put, flush, read, stop and start for a while.

    Args:
        seed: decides everything.
        steps: passes.
        sector: bytes.
        faults: makes a failing layer of the disk, None for a good one.
        deletions: delete topics, which are made again by the next send.
        settings: of the store.
    """
    rng = random.Random(seed)
    disk = new_disk(sector)
    config = small_config(**(SYNC | settings))
    run = Run(config, disk.copy())
    files = RecordingFiles(faults(disk) if faults else disk)
    run.trace = files.trace
    clock = Clock()
    driver = _open(run, files, clock)
    for _ in range(steps):
        clock.now_ms += rng.choice((1, 40, 2500))
        _one_pass(driver, rng)
        if rng.random() < 0.15:
            driver.flush_queues()
        if rng.random() < 0.3:
            driver.poll("T", rng.randrange(3))
        if deletions and rng.random() < 0.2 and not driver.store.health.broken:
            driver.delete(rng.choice(("T", "U0", "U1")))
        if rng.random() < 0.04 and not driver.store.health.broken:
            driver.store.close()
            driver = _open(run, files, clock, first=driver.count, read_to=driver.read_to)
    return run


def _open(run, files, clock, first=0, read_to=None) -> StoreDriver:
    store = make_store(files, clock=clock, config=run.config)
    store.open()

    def emit(event):
        run.events.append((len(run.trace), event))

    driver = StoreDriver(store, emit, first=first)
    driver.read_to = read_to or {}
    return driver


def _one_pass(driver, rng):
    for _ in range(rng.choice((1, 1, 2, 5, 9))):
        payload = rng.randbytes(rng.choice((0, 10, 90, 400, 700)))
        topic = "T" if rng.random() < 0.85 else f"U{rng.randrange(6)}"
        tag = rng.choice(("", "a", "tag"))
        driver.put(topic, rng.randrange(3) if topic == "T" else 0, payload, tag=tag)
    driver.store.puts.end_pass()
    if rng.random() < 0.8:
        driver.flush()


def crash_states(run: Run, rng: random.Random, boundaries=None, per_boundary=None):
    """Return the different legal disks of a run, in the order of its changes.

    Args:
        run: what was recorded.
        rng: chooses random subsets, and which states to take when there are too many.
        boundaries: numbers of changes behind which the power goes; None for all.
        per_boundary: states of one boundary at most; None for all.
    """
    files = run.before.copy()
    known = set()
    for at in range(len(run.trace) + 1):
        if at:
            replay(run.trace[at - 1], files)
        if boundaries is not None and at not in boundaries:
            continue
        pending = files.pending()
        choices = list(_choices(pending, rng))
        if per_boundary is not None and len(choices) > per_boundary:
            choices = choices[:2] + rng.sample(choices[2:], per_boundary - 2)
        for name, picks in choices:
            after = files.crash(pending, picks)
            key = _digest(after)
            if key not in known:
                known.add(key)
                yield CrashState(at, name, after)


def _choices(pending, rng):
    newest = [item.choices for item in pending]
    yield "none", [0] * len(pending)
    yield "all", newest
    for index in range(len(pending)):
        yield f"all but {index}", [*newest[:index], 0, *newest[index + 1 :]]
        yield f"only {index}", [n if i == index else 0 for i, n in enumerate(newest)]
    for number in range(RANDOM_SUBSETS if pending else 0):
        yield f"random {number}", [rng.randint(0, n) for n in newest]


def _digest(files) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for path in sorted(files.folders):
        found.update(path.encode() + b"\n")
    for path in sorted(files.data):
        data = files.data[path]
        found.update(b"%s %d\n" % (path.encode(), len(data)))
        found.update(bytes(data))
    return found.digest()


class Survival:
    """Start the store on the crash states of one run, one after the other.

    Args:
        run: what was recorded.
        rng: what is written afterwards, and what the second power cut leaves.
    """

    def __init__(self, run: Run, rng: random.Random) -> None:
        self.run = run
        self._rng = rng
        self._history = Checker()
        self._fed = 0

    def check(self, state: CrashState) -> list[Violation]:
        """Recover, check, append 3, lose power again, recover, check. Give what broke."""
        events = self.run.events
        while self._fed < len(events) and events[self._fed][0] <= state.at:
            self._history.feed(events[self._fed][1])
            self._fed += 1
        checker = self._history.copy()
        self._restart(state.files, checker, "a", append=3)
        if checker.violations:
            return checker.violations
        pending = state.files.pending()
        picks = [self._rng.choice((0, item.choices)) for item in pending]
        second = state.files.crash(pending, picks)
        self._restart(second, checker, "b", append=0)
        return checker.violations

    def _restart(self, files, checker, producer, append):
        checker.feed({"op": "fault", "type": "start", "name": "power cut", "crash": True})
        store = make_store(files, config=self.run.config)
        try:
            store.open()
        except (RmqError, OSError) as error:
            checker.violations.append(Violation("I13", f"the store does not start: {error!r}"))
            return
        driver = StoreDriver(store, checker.feed, name=producer)
        driver.drain()
        driver.audit()
        for _ in range(append):
            driver.put("T", self._rng.randrange(3), self._rng.randbytes(60))
        store.puts.end_pass()
        driver.flush()


def sweep(run: Run, seed: int, *, limit: int | None = None):
    """Check crash states of a run: all of them, or ``limit`` spread over all its moments.

    Returns:
        States checked, and (state, violations) of those that broke something.
    """
    rng = random.Random(seed)
    survival = Survival(run, rng)
    boundaries = per_boundary = None
    if limit is not None:
        per_boundary = 12
        moments = len(run.trace) + 1
        boundaries = set(rng.sample(range(moments), min(moments, limit // 6)))
    count, broken = 0, []
    for state in crash_states(run, rng, boundaries, per_boundary):
        if limit is not None and count >= limit:
            break
        count += 1
        violations = survival.check(state)
        if violations:
            broken.append((state, violations))
    return count, broken
