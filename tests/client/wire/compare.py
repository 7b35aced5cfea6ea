"""Our clients' steps in a recorded scenario beside Java's."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from itertools import combinations
from tempfile import TemporaryDirectory
from typing import NamedTuple

import trio
import trio.testing
from trio._core._run import _r as turns

from rmqwire.codec.codes import RequestCode, request_name
from tests.client.wire import programs
from tests.client.wire.recording import NAME_SERVER
from tests.client.wire.replay import Replay
from tests.client.wire.steps import COUNTED

R = RequestCode
TIME = re.compile(r"(?<!\d)1[78]\d{11}(?!\d)")
COUNTED_NAMES = {request_name(code) for code in COUNTED}


class Difference(NamedTuple):
    """What one side alone does.

    Attributes:
        kind: ``only ours``, ``only Java's`` or ``order``.
        what: the request; of an order ``first, then``, as in Java's.
        detail: all of it.
    """

    kind: str
    what: str
    detail: str


def program_of(recording, client, replies):
    """Return the program that a client of a recording ran."""
    asked = {one.request.code for one in recording.requests(client)}
    answers = recording.name == "b_request_reply"
    data = programs.consumer_data(recording, client)
    if data is not None:
        return replies.consuming if answers else _consumer(recording, data, asked)
    if R.END_TRANSACTION in asked:
        return programs.in_transaction
    if R.SEND_REPLY_MESSAGE_V2 in asked:
        return replies.answering
    return programs.requesting if answers else programs.producing


def _consumer(recording, data, asked):
    if R.QUERY_MESSAGE in asked:
        return programs.querying
    if data["consumeType"] == "CONSUME_ACTIVELY":
        return programs.lite_pulling if "lite" in data["groupName"] else programs.pulling
    if R.QUERY_ASSIGNMENT in asked:
        return programs.popping
    return programs.failing if "sendback" in recording.name else programs.pushing


def replayed(recording):
    """Run our clients against a recording; return their steps."""
    replies = programs.Replies()
    run = {client: program_of(recording, client, replies) for client in recording.clients}
    clock = trio.testing.MockClock(autojump_threshold=0)
    with TemporaryDirectory() as folder:
        replay = Replay(recording, folder)
        turns.seed(1)  # listeners that run together answer in an order that trio draws
        trio.run(partial(programs.run_clients, replay, run), clock=clock)
    return replay.sent


def compared(recordings):
    """Return how our clients differ from Java's in one scenario.

    Args:
        recordings: of the scenario and of one release. An order counts that all of them have: Java's
            threads do much of this at the same time.
    """
    found, always = set(), None
    for recording in recordings:
        java = _placed(recording, recording.steps())
        ours = _placed(recording, replayed(recording))
        for place, theirs in java.items():
            mine = ours.get(place, [])
            found |= {_one("only Java's", step) for step in theirs if step not in mine}
            found |= {_one("only ours", step) for step in mine if step not in theirs}
        disorder = _disorder(java, ours)
        always = disorder if always is None else always & disorder
    return found | {_order(*pair) for pair in always}


def _placed(recording, steps):
    """Return steps by their client's group, without what depends on the run; each once."""
    number = Counter()
    places = {}
    for client in recording.clients:
        group = recording.group_of(client)
        number[group] += 1
        places[client] = f"client {number[group]} of {group}"
    return {
        places.get(client, client): _numbered(
            step._replace(text=_without_ids(step.text, places)) for step in told
        )
        for client, told in steps.items()
    }


def _without_ids(text, places):
    for client in sorted(places, key=len, reverse=True):
        text = text.replace(client, places[client])
    return TIME.sub("*", text)


def _numbered(steps):
    """Return each step once, but those that do something as often as they were done."""
    times, found = Counter(), {}
    for step in steps:
        times[step] += 1
        found[step, times[step] if step.name in COUNTED_NAMES else 1] = True
    return list(found)


def _one(kind, numbered):
    return Difference(kind, numbered[0].name, numbered[0].text)


def _order(_place, one, two):
    step, other = one[0], two[0]
    return Difference("order", f"{step.name}, {other.name}", f"{step.text} | {other.text}")


def _disorder(java, ours):
    """Return (place, step, step) of what is the other way round here.

    Of steps about one queue, or one of them about none; what is asked of name servers has no order.
    """
    found = set()
    for place in java.keys() - {NAME_SERVER}:
        mine = {step: at for at, step in enumerate(ours.get(place, []))}
        both = [step for step in java[place] if step in mine]
        found |= {
            (place, one, two)
            for one, two in combinations(both, 2)
            if (one[0].queue == two[0].queue or None in (one[0].queue, two[0].queue))
            and mine[one] > mine[two]
        }
    return found
