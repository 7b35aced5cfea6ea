"""A request as a step of a client: its name and all that doesn't change from run to run.

Ids, times and what follows from chance are left out: which queue a send without a selector takes,
and how much of what was pulled is consumed when the next pull leaves.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from rmqwire.codec import headers as h
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.codes import RequestCode, request_name
from rmqwire.codec.compression import decompress
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.sys_flag import PULL_COMMIT_OFFSET

R = RequestCode
SENDS = {R.SEND_MESSAGE_V2, R.SEND_BATCH_MESSAGE, R.SEND_REPLY_MESSAGE_V2}
PULLS = {R.PULL_MESSAGE, R.LITE_PULL_MESSAGE}
COUNTED = {*SENDS, R.POP_MESSAGE, R.CONSUMER_SEND_MSG_BACK, R.RECALL_MESSAGE}
INNER = "CLIENT_INNER_PRODUCER"

_CHANGES = {
    R.END_TRANSACTION: {"msgId", "transactionId"},
    R.POP_MESSAGE: {"bornTime"},
    R.CONSUMER_SEND_MSG_BACK: {"originMsgId"},
}
_OF_THE_MESSAGE = ("UNIQ_KEY", "CORRELATION_ID", "__transactionId__")


class Step(NamedTuple):
    """One request.

    Attributes:
        name: of its code.
        text: what it says besides.
        queue: (topic, queue id) if it is about one queue, else None.
    """

    name: str
    text: str
    queue: tuple[str, str] | None


def step_of(command, *, oneway) -> Step:
    """Return a request as a step."""
    fields = dict(command.ext_fields or {})
    body = bytes(command.body or b"")
    code = command.code
    queue = None
    if "queueId" in fields and "topic" in fields:
        queue = (fields["topic"], fields["queueId"])
    if code == R.LOCK_BATCH_MQ and len(locked := json.loads(body)["mqSet"]) == 1:
        queue = (locked[0]["topic"], str(locked[0]["queueId"]))
    if code in SENDS:
        fields, told = _send(command)
    elif code in PULLS:
        told = ""
        _forget_commit(fields)
    else:
        told = _body(body)
    for name in _CHANGES.get(code, ()):
        fields[name] = "*"
    text = " ".join(f"{name}={fields[name]}" for name in sorted(fields))
    name = request_name(code) + (" oneway" if oneway else "")
    return Step(name, f"{text} {told}".strip(), queue)


def says_nothing(command):
    """Return whether it is a heartbeat of a client without a group: its hidden producer's."""
    if command.code != R.HEART_BEAT:
        return False
    body = json.loads(bytes(command.body))
    return not body["consumerDataSet"] and body["producerDataSet"] == [{"groupName": INNER}]


def _send(command):
    header = command.decode_header(h.SendMessageRequestHeaderV2)
    fields = dict(command.ext_fields) | {"g": "*", "e": "*"}
    properties = decode_properties(header.properties)
    fields["i"] = str(
        sorted((properties | dict.fromkeys(_OF_THE_MESSAGE & properties.keys(), "*")).items())
    )
    body = decompress(command.body, header.sys_flag)
    if command.code == R.SEND_BATCH_MESSAGE:
        body = b"".join(message.body for message in decode_batch(bytes(body)))
    return fields, f"body {hashlib.sha1(bytes(body)).hexdigest()[:8]}"


def _forget_commit(fields):
    fields["commitOffset"] = "*"
    fields["sysFlag"] = str(int(fields["sysFlag"]) & ~PULL_COMMIT_OFFSET)
    if fields["suspendTimeoutMillis"] == "15000":  # a push consumer's: the time it subscribed
        fields["subVersion"] = "*"


def _body(body):
    """Return a JSON body without times, its sets sorted."""
    if not body.startswith(b"{"):
        return body.decode("latin-1")
    return json.dumps(_plain(json.loads(body)), sort_keys=True)


def _plain(value):
    if isinstance(value, list):
        items = [_plain(item) for item in value if item != {"groupName": INNER}]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        changes = {"subVersion", "heartbeatFingerprint"}
        return {key: "*" if key in changes else _plain(item) for key, item in value.items()}
    return value
