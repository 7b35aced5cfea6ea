"""What was subscribed, sent, popped and asked for at a Java broker, at ours: the same answers.

The recording is replayed as it happened, on its clock.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.record import iter_messages
from tests.broker.lite.support import LiteBroker
from tests.broker.pop.test_golden_replay import at_once
from tests.support.golden import GOLDEN, frames

if TYPE_CHECKING:
    from tests.support.broker import Client

FOLDER = GOLDEN / "5.5.0" / "JSON-lite"
SCENARIOS = (
    "setup",
    "lite_subscribe",
    "lite_send",
    "lite_pop",
    "lite_timeout",
    "lite_exclusive",
    "lite_wildcard",
    "lite_admin",
    "lite_leave",
)
START_MS = 1_795_939_730_252 - 33_619  # popTime of the first pop, and when it was recorded
SEED = 1  # c1 gets both messages of lite topic b, which c2 subscribes too, as in the recording
FED = {
    "UPDATE_AND_CREATE_TOPIC",
    "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
    "HEART_BEAT",
    "UNREGISTER_CLIENT",
    "SEND_MESSAGE_V2",
}
COMPARED = {
    "LITE_SUBSCRIPTION_CTL",
    "POP_LITE_MESSAGE",
    "ACK_MESSAGE",
    "GET_BROKER_LITE_INFO",
    "GET_PARENT_TOPIC_INFO",
    "GET_LITE_TOPIC_INFO",
    "GET_LITE_CLIENT_INFO",
    "GET_LITE_GROUP_INFO",
    "TRIGGER_LITE_DISPATCH",
}
# what depends on the moment, or counts what the recorded broker had besides
OF_THE_MOMENT = {
    "lastAccessTime",
    "lastUpdateTimestamp",
    "earliestUnconsumedTimestamp",
    "cqTableSize",
    "offsetTableSize",
    "eventMapSize",
}


def test_every_answer_is_javas():
    broker = LiteBroker(
        broker_name="gold-a",
        broker_cluster_name="GoldCluster",
        listen_port=20911,
        max_lite_subscription_count=14,
        lite_subscription_check_interval=1000,
        lite_subscription_check_timeout_mills=20000,
    )
    for name in ("gl", "glx", "gw"):
        del broker.state.groups.table[name]
    broker.state.rng.seed(SEED)
    clients: dict[str, Client] = {}
    asked: dict[object, tuple[Client, RemotingCommand]] = {}
    notices = compared = 0
    entries = list(recorded())
    pop_times = at_once(entries)
    for entry, frame in entries:
        command = decode_command(frame)
        now = pop_times.get(entry["seq"], START_MS + entry["t_ms"])
        broker.pass_time(max(now - broker.clock.ms, 0)) if compared else None
        broker.clock.ms = max(broker.clock.ms, now)
        client = clients.get(entry["conn"])
        if client is None:
            client = clients[entry["conn"]] = broker.connect(f"127.0.0.1:{38000 + len(clients)}")
        if entry["kind"] == "request":
            asked[entry["seq"]] = (client, command)
            client.ask(command)
        elif entry["name"] == "NOTIFY_UNSUBSCRIBE_LITE":
            client.drain()
            notices += any(one.ext_fields == command.ext_fields for one in client.received)
        else:
            answer = client.answer_to(asked[entry["reply_to"]][1])
            while answer is None:
                assert broker.clock.ms < now + 200, entry
                broker.clock.ms += 20
                broker.turn()
                answer = client.answer_to(asked[entry["reply_to"]][1])
            if entry["name"] in COMPARED:
                assert shown(answer) == shown(command), (entry["seq"], asked[entry["reply_to"]][1])
                compared += 1
    assert (notices, compared) == (1, 61)
    broker.close()


def recorded():
    for scenario in SCENARIOS:
        for entry, frame in frames(next(FOLDER.glob(f"lite_{scenario}.jsonl*"))):
            known = entry["name"] in FED | COMPARED | {"NOTIFY_UNSUBSCRIBE_LITE"}
            if entry["link"] == "client->broker" and known:
                yield entry, frame


def shown(answer: RemotingCommand) -> dict[str, Any]:
    """Show what must be the same of an answer."""
    fields = dict(answer.ext_fields) if answer.ext_fields else None
    if fields:
        fields["popTime"] = str(bool(int(fields["popTime"])))
    body: object = answer.body
    if answer.body.startswith(b"{"):
        body = {
            name: sorted(value, key=str) if isinstance(value, list) else value
            for name, value in json.loads(answer.body).items()
            if name not in OF_THE_MOMENT
        }
        body = without_times(body)
    elif answer.body:
        body = [
            (m.queue_id, m.queue_offset, m.body, list(m.properties.items()))
            for m in iter_messages(answer.body)
        ]
    return {"code": answer.code, "remark": answer.remark, "fields": fields, "body": body}


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: sorted(map(without_times, part), key=str)
            if isinstance(part, list)
            else without_times(part)
            for name, part in value.items()
            if name not in OF_THE_MOMENT
        }
    return value
