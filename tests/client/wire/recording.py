"""One recorded scenario of Java clients: who sent what when, and what was answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand, decode_command
from tests.client.wire.steps import INNER, Step, says_nothing, step_of
from tests.support.golden import frames

R = RequestCode
NAME_SERVER = "the name server"


@dataclass
class Exchange:
    """A request, whoever sent it, and its answer where one was recorded."""

    at_ms: int
    conn: str
    of_server: bool
    oneway: bool
    request: RemotingCommand
    answer: RemotingCommand | None = None
    answered_ms: int = 0


class Recording:
    """What stands in one file of frames.

    Args:
        path: the file.

    Attributes:
        exchanges: in the order of their requests.
        clients: their ids.
        groups: client id -> its producer or consumer group; each of them has one.
        epoch_ms: the wall clock when the recording began.
    """

    def __init__(self, path):
        self.path = path
        self.release, self.serialize_type = path.parts[-3], path.parts[-2].partition("-")[0]
        self.exchanges = _exchanges(path)
        self._conns, self.groups = _clients(self.exchanges)
        self.clients = list(dict.fromkeys(self._conns.values()))
        self.epoch_ms = _epoch(self.exchanges)

    @property
    def name(self):
        """The scenario."""
        return self.path.name.partition(".")[0]

    def group_of(self, client):
        """Return the one group of a client."""
        return self.groups[client]

    def client_of(self, exchange):
        """Return the id of the client at a connection; name servers' connections are all alike."""
        return self._conns.get(exchange.conn, NAME_SERVER)

    def requests(self, client, *codes):
        """Return what a client sent, in order."""
        return [
            exchange
            for exchange in self.exchanges
            if not exchange.of_server
            and self.client_of(exchange) == client
            and (not codes or exchange.request.code in codes)
        ]

    def steps(self) -> dict[str, list[Step]]:
        """Return each client's steps, in order, and together those of all at name servers."""
        return {
            client: [
                step_of(one.request, oneway=one.oneway)
                for one in self.requests(client)
                if not says_nothing(one.request)
            ]
            for client in (NAME_SERVER, *self.clients)
        }


def _exchanges(path):
    found, by_seq, start = [], {}, None
    for entry, frame in frames(path):
        start = entry["t_ms"] if start is None else start
        at_ms, command = entry["t_ms"] - start, decode_command(frame)
        if entry["kind"] == "response":
            exchange = by_seq[entry["reply_to"]]
            exchange.answer, exchange.answered_ms = command, at_ms
        else:
            exchange = Exchange(
                at_ms, entry["conn"], entry["dir"] == "s2c", entry["kind"] == "oneway", command
            )
            by_seq[entry["seq"]] = exchange
            found.append(exchange)
    return found


def _clients(exchanges):
    """Return the client of each connection to a broker, and each client's group."""
    conns, groups = {}, {}
    for one in exchanges:
        if one.of_server or one.request.code not in {R.UNREGISTER_CLIENT, R.HEART_BEAT}:
            continue
        if one.request.code == R.UNREGISTER_CLIENT:
            fields = one.request.ext_fields
            client = fields["clientID"]
            names = [fields.get("producerGroup"), fields.get("consumerGroup")]
        else:
            body = json.loads(bytes(one.request.body))
            client = body["clientID"]
            names = [g["groupName"] for g in body["producerDataSet"] + body["consumerDataSet"]]
        conns[one.conn] = client
        for name in names:
            if name and name != INNER:
                groups[client] = name
    return conns, groups


def _epoch(exchanges):
    """Return the wall clock at the start, by the first time of day that a request tells."""
    for one in exchanges:
        text = json.dumps(one.request.ext_fields or {}) + str(bytes(one.request.body or b""))
        if not one.of_server and (found := re.search(r"(?<!\d)1[78]\d{11}(?!\d)", text)):
            return int(found[0]) - one.at_ms
    return 1_700_000_000_000
