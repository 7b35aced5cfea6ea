"""The checker finds each broken promise in a history made by hand, and nothing in a sound one."""

import json

import pytest

from tests.support.checker import Checker, check, make_body, read_body, sha_of

Q = "T:0"


def sha(uid):
    return sha_of(make_body(uid))


def invoke(uid):
    return {"op": "send", "type": "invoke", "uid": uid, "sha": sha(uid)}


def ok(uid, offset, queue=Q):
    return {"op": "send", "type": "ok", "uid": uid, "queue": queue, "offset": offset}


def sent(*uids):
    return [event for n, uid in enumerate(uids) for event in (invoke(uid), ok(uid, n))]


def ends(uid, kind):
    return [invoke(uid), {"op": "send", "type": kind, "uid": uid}]


def seen(*uids, first=0):
    return [(first + n, uid, sha(uid), True) for n, uid in enumerate(uids)]


def poll(*uids, begin=0, **more):
    event = {"op": "poll", "reader": "r", "group": "g", "queue": Q, "begin": begin}
    return {**event, "next": begin + len(uids), "messages": seen(*uids, first=begin)} | more


def drain(*uids, low=0, **more):
    event = {"op": "drain", "type": "queue", "queue": Q, "min": low, "max": low + len(uids)}
    return [event | {"messages": seen(*uids, first=low)} | more, {"op": "drain", "type": "end"}]


def fault(name="kill", wall_ms=0, **more):
    return {"op": "fault", "type": "start", "name": name, "wall_ms": wall_ms, **more}


CRASH = fault(crash=True)
A, B, C = "p:0:0", "p:1:0", "p:2:0"

SOUND = {
    "acknowledged and read": [*sent(A, B), poll(A, B), CRASH, *drain(A, B)],
    "unknown and gone": [*ends(A, "info"), CRASH, *drain()],
    "unknown and there": [*ends(A, "info"), CRASH, *drain(A)],
    "no answer before the crash": [invoke(A), CRASH, *drain(A)],
    "repeated after no answer": [*ends(A, "info"), *ends("p:0:1", "info"), *drain(A, "p:0:1")],
    "read again after a fault": [*sent(A), poll(A), fault(), poll(A), *drain(A)],
    "old messages removed": [*sent(A, B, C), *drain(C, low=2)],
    "filtered": [
        *sent(A, B, C),
        poll(A, next=3, filtered=True, messages=[*seen(A), *seen(C, first=2)]),
    ],
    "reached its group": [*sent(A), poll(A), {"op": "consumed", "group": "g"}],
}

BROKEN = {
    "I1 lost": [*sent(A, B), CRASH, *drain(A)],
    "I1 altered": [*sent(A), poll(A, messages=[(0, A, sha(A), False)])],
    "I1 another body": [*sent(A), poll(A, messages=[(0, A, sha(B), True)])],
    "I1 never consumed": [*sent(A, B), poll(A), {"op": "consumed", "group": "g"}],
    "I2 never sent": [poll(A)],
    "I2 failed": [*ends(A, "fail"), poll(A)],
    "I2 failed after it was read": [invoke(A), poll(A), ends(A, "fail")[1]],
    "I2 ghost": [*ends(A, "info"), CRASH, *drain(), CRASH, *drain(A)],
    "I3 stored twice": [invoke(A), *drain(A, A)],
    "I3 repeated for nothing": [*sent(A), invoke("p:0:1")],
    "I3 read twice": [*sent(A), poll(A), poll(A)],
    "I4 another reader": [*sent(A, B), poll(B)],
    "I4 another time": [*ends(A, "info"), *ends(B, "info"), poll(A), CRASH, poll(B)],
    "I4 promised twice": [*sent(A), invoke(B), ok(B, 0)],
    "I4 promised where another stands": [invoke(A), invoke(B), poll(A), ok(B, 0)],
    "I5 gap": [*sent(A, B), *drain(messages=[*seen(A), *seen(B, first=2)])],
    "I5 end beyond the last": [*sent(A), *drain(A, max=2)],
    "I5 order": [invoke(A), ok(A, 1), invoke(B), ok(B, 0)],
    "I6 skipped": [*sent(A, B), poll(A, next=2)],
    "I6 back": [*sent(A, B), poll(A, B, next=1)],
    "I6 hole": [*sent(A, B, C), poll(messages=[*seen(A), *seen(C, first=2)], next=3)],
    "I7 read and gone": [*ends(A, "info"), poll(A), CRASH, *drain()],
    "I8 another unit": [{"op": "audit", "queue": Q, "served": [[0, 9, 0]], "rebuilt": [[0, 8, 0]]}],
    "I8 unit missing": [{"op": "audit", "queue": Q, "served": [], "rebuilt": [[0, 8, 0]]}],
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_history(name):
    assert check(SOUND[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken_history(name):
    assert name[:2] in Checker().feed_all(BROKEN[name]).broken()


def test_every_invariant_has_a_history_that_breaks_it():
    assert {name[:2] for name in BROKEN} == {f"I{n}" for n in range(1, 9)}


def test_queues_may_change_hands_for_a_while_only():
    events = [*sent(A), fault(wall_ms=1000), poll(A, wall_ms=2000)]
    assert check([*events, poll(A, wall_ms=60_000)]) == []
    assert check([*events, poll(A, wall_ms=62_000)]) != []


def test_a_copy_goes_its_own_way():
    first = Checker().feed_all([*sent(A)])
    second = first.copy()
    second.feed_all(drain())
    assert (first.broken(), second.broken()) == (set(), {"I1"})
    assert first.feed_all(drain(A)).violations == []


def test_history_file(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in BROKEN["I1 lost"]))
    (violation,) = Checker().feed_file(path).violations
    assert str(violation) == f"I1: {B} was acknowledged at {Q} 1 and is gone"


def test_body():
    body = make_body("p:1:0", b"any \x00 bytes")
    assert read_body(body) == ("p:1:0", sha_of(body), True)
    assert read_body(body[:-1] + b"S")[2] is False
    assert read_body(b"\xff")[2] is False
