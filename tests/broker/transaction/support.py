"""Transactions of one broker in memory, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.transaction.check import TransactionCheck
from rmqwire.broker.transaction.check_listener import TransactionCheckListener
from rmqwire.broker.transaction.half_message import GIVEN_UP_TOPIC, HALF_TOPIC, OP_TOPIC
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import CheckTransactionStateRequestHeader, EndTransactionRequestHeader
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.codec.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE
from rmqwire.remoting.limited_log import LimitedLog
from tests.support import requests
from tests.support.broker import MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.codec.message import StoredMessage

import logging

COMMIT, ROLLBACK, UNKNOWN = TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE, 0
GROUP = "pg"
TIME_OUT_MS = 6_000


class Transactions:
    """A broker, a producer of its, and what both do with half messages."""

    def __init__(
        self, folder: Path, release: Release = DEFAULT_RELEASE, **settings: object
    ) -> None:
        self.folder, self.release, self.settings = folder, release, settings
        self.clock_ms: int | None = None
        self._open()

    def _open(self) -> None:
        self.broker = MemoryBroker(self.folder, self.release, **self.settings)
        if self.clock_ms is not None:
            self.broker.clock.ms = self.clock_ms
        self.state = self.broker.state
        self.producer = self.broker.connect()
        self.producer.call(requests.heartbeat("p1", producers=[GROUP]))

    def restart(self) -> None:
        """Stop in order and start again on the same folder."""
        self.clock_ms = self.broker.clock.ms
        self.broker.close()
        self._open()

    # --- what a producer does

    def send(self, key: str = "K1", more: str = "", **fields: object) -> RemotingCommand:
        """Send a half message; return the answer."""
        properties = f"UNIQ_KEY\x01{key}\x02TRAN_MSG\x01true\x02PGROUP\x01{GROUP}\x02{more}"
        usual = {"born_timestamp": self.broker.clock.ms, "sys_flag": 4}
        return self.producer.call(requests.send(properties=properties, **(usual | fields)))

    def end(self, sent: RemotingCommand, how: int, **fields: object) -> RemotingCommand | None:
        """End the transaction of an answered half message; return the answer, None without one."""
        ext = sent.ext_fields or {}
        header = {
            "producer_group": GROUP,
            "tran_state_table_offset": int(ext["queueOffset"]),
            "commit_log_offset": decode_offset_id(ext["msgId"])[2],
            "commit_or_rollback": how,
            "msg_id": "x",
        } | fields
        request = RemotingCommand.request(
            RequestCode.END_TRANSACTION, EndTransactionRequestHeader(**header)
        )
        return self.producer.ask(request)

    def asked(self) -> list[CheckTransactionStateRequestHeader]:
        """Return the checks that came since the last call."""
        self.producer.drain()
        checks = [one for one in self.producer.received if one.code == 39 and not one.is_response]
        self.producer.received.clear()
        return [check.decode_header(CheckTransactionStateRequestHeader) for check in checks]

    def answer(self, check: CheckTransactionStateRequestHeader, how: int) -> RemotingCommand | None:
        """Answer a check."""
        header = EndTransactionRequestHeader(
            producer_group=GROUP,
            tran_state_table_offset=check.tran_state_table_offset,
            commit_log_offset=check.commit_log_offset,
            commit_or_rollback=how,
            from_transaction_check=True,
            msg_id=check.msg_id or "",
        )
        return self.producer.ask(RemotingCommand.request(RequestCode.END_TRANSACTION, header))

    # --- what time does

    def check(self, after_ms: int = TIME_OUT_MS + 1) -> list[CheckTransactionStateRequestHeader]:
        """Let time pass, check once, return what the producer was asked."""
        self.broker.pass_time(after_ms)
        listener = TransactionCheckListener(
            self.state.producers,
            self.state.config,
            self.release,
            LimitedLog(logging.getLogger(__name__)),
        )
        check = TransactionCheck(self.state.transactions, self.state.topics, listener)
        while check.step():
            pass
        return self.asked()

    # --- what stands where

    def messages(self, topic: str = "T", queue_id: int = 0) -> list[StoredMessage]:
        """Return everything in a queue."""
        found: list[StoredMessage] = []
        store = self.state.store
        while True:
            result = store.get_message(topic, queue_id, len(found), 32)
            if not result.body:
                return found
            found += iter_messages(result.body)

    def bodies(self, topic: str = "T") -> list[bytes]:
        """Return the bodies in queue 0 of a topic."""
        return [message.body for message in self.messages(topic)]

    def halves(self) -> list[StoredMessage]:
        """Return the half queue."""
        return self.messages(HALF_TOPIC)

    def ops(self) -> list[bytes]:
        """Return the bodies of the op queue."""
        return self.bodies(OP_TOPIC)

    def given_up(self) -> list[StoredMessage]:
        """Return what was checked too often."""
        return self.messages(GIVEN_UP_TOPIC)

    def close(self) -> None:
        """Stop the broker."""
        self.broker.close()
