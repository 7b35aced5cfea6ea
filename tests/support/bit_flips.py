"""C1: one bit of the log is wrong. Is it told, or harmless, or are wrong bytes served?

Java's records carry a CRC of the body only; the rest is held together by what must agree (place,
size, magic, lengths, queue, offset, topic). With ``enabledAppendPropCRC`` all of it is covered.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from rmqwire.codec.record import iter_messages
from rmqwire.errors import CorruptLog
from rmqwire.store.message_store import GetStatus
from tests.support.crash_states import SYNC, new_disk
from tests.support.stores import Clock, make_store, message, small_config

FOLDER = "/store/commitlog"
LONG = "%RETRY%" + "g" * 150  # over 127 bytes: a record of version 2
BATCH = 12
FIXED = (
    ("total size", 4),
    ("magic", 4),
    ("body CRC", 4),
    ("queue id", 4),
    ("flag", 4),
    ("queue offset", 8),
    ("physical offset", 8),
    ("sys flag", 4),
    ("born timestamp", 8),
    ("born host", 8),
    ("store timestamp", 8),
    ("store host", 8),
    ("reconsume times", 4),
    ("prepared offset", 8),
    ("body length", 4),
)
# What no checksum covers without __CRC32#: Java serves it as it stands, and so do we.
UNCOVERED = frozenset(
    {
        "flag",
        "sys flag",
        "born timestamp",
        "born host",
        "store timestamp",
        "store host",
        "reconsume times",
        "prepared offset",
        "properties",
    }
)


@dataclass(slots=True)
class Flips:
    """What became of many flips.

    Args:
        told: by field: refused at the start, or at the read.
        harmless: by field: all was served as it had been stored.
        uncovered: by field: served with the wrong bit, which no checksum covers.
        wrong: texts of those that must not be.
    """

    told: Counter = field(default_factory=Counter)
    harmless: Counter = field(default_factory=Counter)
    uncovered: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)

    @property
    def count(self) -> int:
        """All flips."""
        return sum(
            map(sum, (c.values() for c in (self.told, self.harmless, self.uncovered)))
        ) + len(self.wrong)

    def table(self) -> str:
        """One line per field: flips, share told."""
        lines = []
        for name in sorted({*self.told, *self.harmless, *self.uncovered}):
            told, harmless, open_ = self.told[name], self.harmless[name], self.uncovered[name]
            share = 100 * (told + harmless) / (told + harmless + open_)
            lines.append(
                f"{name:16} {told + harmless + open_:6} flips, {told:6} told, {harmless:5} harmless,"
                f" {open_:5} served as they stand: {share:5.1f} %"
            )
        return "\n".join(lines)


class DamagedLog:
    """A log with records of both versions, and what it serves.

    Args:
        crc: write ``__CRC32#`` into each record.
    """

    def __init__(self, *, crc: bool) -> None:
        self.crc = crc
        self.config = small_config(
            **SYNC, enabled_append_prop_crc=crc, mapped_file_size_commit_log=8192
        )
        self.disk = new_disk()
        clock, rng = Clock(), random.Random(9)
        store = make_store(self.disk, config=self.config, clock=clock)
        store.open()
        for number in range(8):
            clock.now_ms += 1500
            for topic in ("T", "T", LONG):
                properties = b"UNIQ_KEY\x01%d\x02TAGS\x01a\x02" % number
                body = rng.randbytes(rng.randrange(20, 180))
                store.puts.put(
                    message(topic, number % 2, body, properties=properties), lambda _: None
                )
            store.puts.end_pass()
            plan = store.flushes.log_flush_plan(thorough=True)
            store.flushes.run_flush(plan)
        plan = store.flushes.queue_flush_plan(thorough=True)
        plan.run(store.files)
        store.flushes.queues_flushed(plan, thorough=True)
        self.stored, _ = self._served(store)
        self.killed = self.disk.copy()
        store.close()
        self.stopped = self.disk.copy()
        self.places = self._fields()

    def _served(self, store):
        """Return (topic, queue id, offset) -> record, and the damage told while reading."""
        found, told = {}, ""
        for topic in store.topics():
            for queue_id in store.queue_ids(topic):
                offset = store.min_offset(topic, queue_id)
                while offset < store.max_offset(topic, queue_id):
                    try:
                        result = store.get_message(topic, queue_id, offset, BATCH)
                    except (CorruptLog, OSError) as error:
                        told = str(error)
                        break
                    if result.status != GetStatus.FOUND:
                        told = f"status {result.status}"
                        break
                    records = _split(result.body)
                    found |= {(topic, queue_id, offset + n): one for n, one in enumerate(records)}
                    offset = result.next_begin_offset
        return found, told

    def _fields(self):
        """Return (path, position, field) of each byte that belongs to a record or a BLANK."""
        places = []
        for path in sorted(p for p in self.disk.data if p.startswith(FOLDER)):
            data, begin = self.disk.data[path], 0
            while size := int.from_bytes(data[begin : begin + 4], "big"):
                names = _names(data[begin : begin + size])
                places += [(path, begin + n, name) for n, name in enumerate(names)]
                begin += size
                if begin >= len(data):
                    break
        return places

    def flip(self, rng: random.Random, flips: Flips) -> None:
        """Flip one random bit and book what comes of it."""
        path, at, name = rng.choice(self.places)
        mode = rng.choice(("running", "killed", "stopped"))
        source = self.killed if mode == "killed" else self.stopped
        files = source.copy()
        store = make_store(files, config=self.config)
        try:
            if mode == "running":
                store.open()
            files.data[path][at] ^= 1 << rng.randrange(8)
            if mode != "running":
                store.open()
        except CorruptLog:
            flips.told[name] += 1
            return
        found, told = self._served(store)
        differing = [key for key in self.stored if key in found and found[key] != self.stored[key]]
        where = f"{name} at {path} {at}, {mode}"
        if found.keys() - self.stored.keys() or (found.keys() != self.stored.keys() and not told):
            flips.wrong.append(f"{where}: messages appeared or went in silence")
        elif not differing:
            (flips.told if told else flips.harmless)[name] += 1
        elif self.crc or name not in UNCOVERED or self._identity(found, differing):
            flips.wrong.append(f"{where}: {differing} served wrong")
        else:
            flips.uncovered[name] += 1

    def _identity(self, found, keys):
        """Return whether the message itself changed: its body, its topic, its place."""
        for key in keys:
            (new,), (old,) = list(iter_messages(found[key])), list(iter_messages(self.stored[key]))
            same = ("body", "topic", "queue_id", "queue_offset", "physical_offset")
            if any(getattr(new, name) != getattr(old, name) for name in same):
                return True
        return False


def _split(body):
    parts, begin = [], 0
    while begin < len(body):
        size = int.from_bytes(body[begin : begin + 4], "big")
        parts.append(bytes(body[begin : begin + size]))
        begin += size
    return parts


def _names(record):
    """Name the field of each byte."""
    if record[4:8] == b"\xcb\xd4\x31\x94":  # BLANK: 8 bytes count, the rest is never read
        return ["blank"] * 8
    names = [name for name, size in FIXED for _ in range(size)]
    names += ["body"] * int.from_bytes(record[84:88], "big")
    width = 1 if record[7] == 0xA7 else 2
    topic = int.from_bytes(record[len(names) : len(names) + width], "big")
    names += ["topic length"] * width + ["topic"] * topic + ["properties length"] * 2
    return names + ["properties"] * (len(record) - len(names))


def flip_many(count: int, seed: int) -> tuple[Flips, Flips]:
    """Flip bits in a log without and in one with ``__CRC32#``; give both outcomes."""
    outcome = []
    for crc in (False, True):
        log, flips, rng = DamagedLog(crc=crc), Flips(), random.Random(seed)
        for _ in range(count // 2):
            log.flip(rng, flips)
        outcome.append(flips)
    return outcome[0], outcome[1]
