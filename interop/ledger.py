"""What was sent to a cluster and what came out of it, over everything that happens in between."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from interop.checks import Message
from interop.client_program import RunningConsumer


class Ledger:
    """The accounts of one topic with one consumer that runs all the time.

    A message may come twice from two places: its producer sent it again because the broker died
    before it had answered, or Java asked twice about a half message. From one place it comes once.
    """

    def __init__(self, consumer: RunningConsumer) -> None:
        self.consumer = consumer
        self.sent: list[Message] = []
        self.received: list[Message] = []
        self._seen: set[str] = set()

    def add(self, sent: list[Message]) -> list[Message]:
        self.sent += sent
        return sent

    def collect(self, seconds: float = 60) -> list[Message]:
        """Take what comes until all that a broker stored is here; gives what is missing."""
        deadline = time.monotonic() + seconds
        while True:
            came = self.consumer.take(1 << 20, 1)
            self.received += came
            self._seen |= {m["keys"] for m in came}
            missing = [m for m in self.sent if "status" in m and m["keys"] not in self._seen]
            if not missing or (time.monotonic() > deadline and not came):
                return missing

    def check(self, what: str, in_flight: int, failed: int | None = None) -> None:
        """Nothing lost, nothing made up, no gap; print the counts.

        Args:
            what: begins the printed line.
            in_flight: messages that were on their way when brokers died.
            failed: sends that may have failed; None: those in flight.
        """
        known = {m["keys"]: (m["tags"], m["body"]) for m in self.sent}
        for message in self.received:
            assert known[message["keys"]] == (message["tags"], message["body"]), message
        places = Counter((m["brokerName"], m["queueId"], m["queueOffset"]) for m in self.received)
        again = places.total() - len(places)
        copies = len(places) - len(self._seen)
        said = Counter(m.get("status", "failed") for m in self.sent)
        confirmed = {m["keys"] for m in self.sent if m.get("status") == "SEND_OK"}
        lost = confirmed - self._seen
        print(
            f"{what}: sent {len(self.sent)}, {dict(said)}, received {len(self._seen)}, "
            f"stored twice {copies}, delivered again {again}, lost {len(lost)}"
        )
        assert not lost
        assert not again
        assert copies <= in_flight
        assert said["failed"] <= (in_flight if failed is None else failed)
        self._no_gaps(places)

    def _no_gaps(self, places: Counter[tuple[str, int, int]]) -> None:
        offsets = defaultdict(list)
        for broker, queue, offset in places:
            offsets[broker, queue].append(offset)
        for queue, seen in offsets.items():
            assert sorted(seen) == list(range(len(seen))), f"{queue}: {sorted(seen)}"
