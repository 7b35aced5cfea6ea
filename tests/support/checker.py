"""The one checker of histories: what must hold whatever was killed, cut or torn.

A history is a list of events, one JSON object a line in a file. Each has ``wall_ms`` and
``mono_ns`` when it comes from real processes. A uid is ``producer:seq:attempt``; it stands in the
body with the SHA-256 of what it came with.

========= ============================================================================
op        fields
========= ============================================================================
send      type invoke: uid sha | ok: uid queue offset | fail: uid | info: uid
poll      reader group queue begin next messages; ``filtered`` when tags were asked for
drain     type queue: queue min max messages (all of the queue) | type end: all were read
commit    group queue offset
ack       group queue offset: a listener is done with it
member    group type join/leave: the group's queues move
delete    type invoke: topic | ok: topic
fault     type start/stop, name; ``crash`` true: the broker is gone at that moment
audit     queue served rebuilt: units as served, and as the log says
consumed  group: everything acknowledged must have been read by this group
========= ============================================================================

``messages`` is a list of (offset, uid, sha, whole): ``whole`` says that the body fits its hash.
``fail`` means certainly not stored; ``info`` means nobody knows: never lost, never phantom.

- I1 no acknowledged message is lost: each is where it was said to be, whole
- I2 nothing is read that was not sent, that had failed, or that recovery had cut
- I3 duplicates are explained: by an attempt without an answer, by a fault, by a rebalance
- I4 one (queue, offset) is one message, for every reader at every time
- I5 a queue has no gap, and one producer's messages stand in the order of their sending
- I6 a poll skips nothing but what was filtered
- I7 what was read is still there after the crash
- I8 queues are what the log says
- I9 what was deleted is gone and stays gone; a deletion without an answer is whole or not at all
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

UNSETTLED_MS = 60_000  # how long after a fault or a join queues may still change hands


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    invariant: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.text}"


def make_body(uid: str, payload: bytes = b"") -> bytes:
    """Return a body that carries its uid and proves itself whole."""
    digest = hashlib.sha256(uid.encode() + b" " + payload).hexdigest()
    return b"%s %s %s" % (uid.encode(), digest.encode(), payload)


def read_body(body: bytes) -> tuple[str, str, bool]:
    """Return (uid, sha, whole) of a body."""
    uid, _, rest = body.partition(b" ")
    sha, _, payload = rest.partition(b" ")
    whole = hashlib.sha256(uid + b" " + payload).hexdigest().encode() == sha
    return uid.decode("utf-8", "replace"), sha.decode("utf-8", "replace"), whole


def sha_of(body: bytes) -> str:
    """Return the hash that stands in a body."""
    return read_body(body)[1]


@dataclass(slots=True)
class _Send:
    sha: str
    state: str = "invoke"
    queue: str = ""
    offset: int = -1


class Checker:
    """Follow a history event by event; ``violations`` holds what it broke."""

    def __init__(self):
        self.violations: list[Violation] = []
        self._sends: dict[str, _Send] = {}
        self._acked: dict[tuple[str, int], str] = {}
        self._seen: dict[tuple[str, int], tuple[str, str]] = {}
        self._orphans: dict[str, None] = {}  # unanswered when the broker went
        self._cut: dict[str, None] = {}  # of those, the ones recovery has cut
        self._places: dict[str, tuple[str, int]] = {}  # where each uid was found
        self._deleting: dict[str, dict[tuple[str, int], str]] = {}  # without an answer as yet
        self._deleted: dict[str, None] = {}
        self._overtaken: dict[tuple[str, str], None] = {}  # (topic, uid) unanswered at a deletion
        self._drain: dict[str, tuple[int, int, dict[int, str]]] = {}
        self._read: dict[tuple[str, str, int], int] = {}  # (group, queue, offset) -> when
        self._last_of: dict[
            tuple[str, str], tuple[int, int]
        ] = {}  # (producer, queue) -> seq, offset
        self._moves: dict[str, int] = {}  # group -> when its queues moved last
        self._last_fault_ms = -UNSETTLED_MS
        self._last_fault = -1
        self._count = 0

    def copy(self) -> Checker:
        """Return a checker that goes on alone from here."""
        other = Checker.__new__(Checker)
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if isinstance(value, (dict, list)) else value)
        return other

    def feed(self, event) -> None:
        """Take the next event."""
        self._count += 1
        getattr(self, f"_on_{event['op']}")(event)

    def feed_all(self, events) -> Checker:
        """Take events in a row; give the checker itself."""
        for event in events:
            self.feed(event)
        return self

    def feed_file(self, path) -> Checker:
        """Take all events of a JSONL file."""
        with path.open() as lines:
            return self.feed_all(json.loads(line) for line in lines)

    @property
    def acked(self) -> int:
        """Sends that were acknowledged."""
        return len(self._acked)

    def broken(self) -> set[str]:
        """Name the invariants that don't hold."""
        return {violation.invariant for violation in self.violations}

    def _break(self, invariant, text):
        self.violations.append(Violation(invariant, text))

    # --- sends -------------------------------------------------------------------------------

    def _on_send(self, event):
        uid, kind = event["uid"], event["type"]
        if kind == "invoke":
            self._invoke(uid, event["sha"])
            return
        before = self._sends[uid]
        send = self._sends[uid] = _Send(before.sha, kind)
        if kind == "ok":
            self._acknowledge(uid, send, event["queue"], event["offset"])
        elif kind == "fail" and uid in self._places:
            self._break("I2", f"{uid} failed for certain, yet it was read")

    def _invoke(self, uid, sha):
        producer, seq, attempt = uid.rsplit(":", 2)
        if int(attempt):
            before = self._sends.get(f"{producer}:{seq}:{int(attempt) - 1}")
            if before is None or before.state not in {"info", "fail"}:
                self._break("I3", f"{uid} repeats an attempt that needed no repetition")
        self._sends[uid] = _Send(sha)

    def _acknowledge(self, uid, send, queue, offset):
        send.queue, send.offset = queue, offset
        place = (queue, offset)
        if (queue.rpartition(":")[0], uid) in self._overtaken:
            self._deleted[uid] = None  # it was stored, and then deleted, before its answer
            return
        other = self._acked.get(place)
        if other is not None and other != uid:
            self._break("I4", f"{queue} {offset} was promised to {other} and to {uid}")
        seen = self._seen.get(place)
        if seen is not None and seen[0] != uid:
            self._break("I4", f"{queue} {offset} was read as {seen[0]} and promised to {uid}")
        self._acked[place] = uid
        producer, seq, _ = uid.rsplit(":", 2)
        last = self._last_of.get((producer, queue))
        if last is not None and last[0] < int(seq) and last[1] >= offset:
            self._break("I5", f"{uid} is at {queue} {offset}, one sent before it at {last[1]}")
        self._last_of[producer, queue] = (int(seq), offset)

    # --- reads -------------------------------------------------------------------------------

    def _message(self, queue, offset, uid, sha, whole):
        send = self._sends.get(uid)
        if send is None:
            self._break("I2", f"{queue} {offset} holds {uid!r}, which nobody sent")
        elif not whole or sha != send.sha:
            self._break("I1", f"{queue} {offset} holds {uid}, but not what was sent")
        elif send.state == "fail":
            self._break("I2", f"{queue} {offset} holds {uid}, which failed for certain")
        elif uid in self._deleted:
            self._break("I9", f"{queue} {offset} holds {uid}, which was deleted")
        elif uid in self._cut:
            self._break("I2", f"{queue} {offset} holds {uid}, which recovery had cut")
        self._identity(queue, offset, uid, sha)

    def _identity(self, queue, offset, uid, sha):
        place = (queue, offset)
        seen = self._seen.setdefault(place, (uid, sha))
        if seen != (uid, sha):
            self._break("I4", f"{queue} {offset} was {seen[0]}, now {uid}")
        acked = self._acked.get(place)
        if acked is not None and acked != uid:
            self._break("I4", f"{queue} {offset} was promised to {acked}, now {uid}")
        where = self._places.setdefault(uid, place)
        if where != place:
            self._break("I3", f"{uid} is at {where} and at {place}")

    def _on_poll(self, event):
        queue, expected = event["queue"], event["begin"]
        for offset, uid, sha, whole in event["messages"]:
            if offset != expected and not (event.get("filtered") and offset > expected):
                self._break("I6", f"a poll of {queue} gave {offset} where {expected} was due")
            expected = offset + 1
            self._message(queue, offset, uid, sha, whole)
            self._explained(event, offset)
        ahead = event["next"] - expected
        if ahead < 0 or (ahead and not event.get("filtered")):
            self._break("I6", f"a poll of {queue} goes on at {event['next']}, not {expected}")

    def _explained(self, event, offset):
        """A message read twice by one group needs a reason."""
        group = event.get("group")
        if group is None:
            return
        key = (group, event["queue"], offset)
        before = self._read.get(key)
        self._read[key] = self._count
        if before is None or max(self._last_fault, self._moves.get(group, -1)) > before:
            return
        if event.get("wall_ms", 0) - self._last_fault_ms < UNSETTLED_MS:
            return
        self._break("I3", f"{group} read {event['queue']} {offset} twice without a reason")

    def _on_commit(self, event):
        """Progress is data for I3 and for whoever reads the history."""

    _on_ack = _on_commit

    def _on_member(self, event):
        self._moves[event["group"]] = self._count
        self._last_fault_ms = event.get("wall_ms", 0)

    def _on_consumed(self, event):
        group = event["group"]
        for (queue, offset), uid in self._acked.items():
            if (group, queue, offset) not in self._read:
                self._break("I1", f"{uid} at {queue} {offset} never reached {group}")

    # --- deletions ---------------------------------------------------------------------------

    def _on_delete(self, event):
        topic = event["topic"]
        if event["type"] == "invoke":
            self._deleting[topic] = self._forget(topic)
            self._overtaken |= {
                (topic, uid): None
                for uid, send in self._sends.items()
                if send.state in {"invoke", "info"}
            }
        else:
            self._deleted |= dict.fromkeys(self._deleting.pop(topic).values())

    def _forget(self, topic):
        """Expect nothing of a topic any more; return what was acknowledged, by place."""
        mark = f"{topic}:"
        gone = {place: uid for place, uid in self._acked.items() if place[0].startswith(mark)}
        self._deleted |= dict.fromkeys(
            uid
            for uid, send in self._sends.items()
            if send.state == "ok" and send.queue.startswith(mark) and uid not in gone.values()
        )
        for table in (self._acked, self._seen):
            for place in [place for place in table if place[0].startswith(mark)]:
                del table[place]
        for uid in [uid for uid, place in self._places.items() if place[0].startswith(mark)]:
            del self._places[uid]
        for key in [key for key in self._last_of if key[1].startswith(mark)]:
            del self._last_of[key]
        return gone

    def _settle_deletions(self, there):
        """A deletion that a crash left without an answer has happened wholly or not at all."""
        for topic, gone in self._deleting.items():
            left = {place: uid for place, uid in gone.items() if uid in there}
            if left and len(left) < len(gone):
                self._break("I9", f"of the {len(gone)} messages of {topic} {len(left)} are left")
            if left:
                self._acked |= left
            else:
                self._deleted |= dict.fromkeys(gone.values())
        self._deleting.clear()

    # --- faults and the reading of everything ------------------------------------------------

    def _on_fault(self, event):
        self._last_fault = self._count
        self._last_fault_ms = event.get("wall_ms", 0)
        if event.get("crash") and event["type"] == "start":
            for uid, send in self._sends.items():
                if send.state == "invoke":
                    self._sends[uid] = _Send(send.sha, "info")
                if send.state in {"invoke", "info"}:
                    self._orphans[uid] = None

    def _on_drain(self, event):
        if event["type"] == "end":
            self._drained()
            return
        queue, low = event["queue"], event["min"]
        found = {}
        for expected, (offset, uid, sha, whole) in enumerate(event["messages"], low):
            if offset != expected:
                self._break("I5", f"{queue} has {offset} where {expected} was due")
            found[offset] = uid
            self._message(queue, offset, uid, sha, whole)
        if low + len(event["messages"]) != event["max"]:
            self._break(
                "I5", f"{queue} ends at {event['max']}, {len(found)} from {low} on are there"
            )
        self._drain[queue] = (low, event["max"], found)

    def _drained(self):
        for (queue, offset), uid in self._acked.items():
            if self._absent(queue, offset):
                self._break("I1", f"{uid} was acknowledged at {queue} {offset} and is gone")
        for (queue, offset), (uid, _) in self._seen.items():
            if (queue, offset) not in self._acked and self._absent(queue, offset):
                self._break("I7", f"{uid} was read at {queue} {offset} and is gone")
        there = {uid for _, _, found in self._drain.values() for uid in found.values()}
        self._settle_deletions(there)
        self._cut |= {uid: None for uid in self._orphans if uid not in there}
        self._orphans.clear()
        self._drain.clear()

    def _absent(self, queue, offset):
        low, _, found = self._drain.get(queue, (0, 0, {}))
        return offset >= low and offset not in found

    def _on_audit(self, event):
        served, rebuilt = list(map(tuple, event["served"])), list(map(tuple, event["rebuilt"]))
        if served != rebuilt:
            both = zip(served, rebuilt, strict=False)
            at = next(
                (n for n, (a, b) in enumerate(both) if a != b), min(len(served), len(rebuilt))
            )
            self._break("I8", f"{event['queue']} differs from the log from unit {at} on")


def check(events) -> list[Violation]:
    """Return what a whole history broke."""
    return Checker().feed_all(events).violations
