"""A producer of transactions in a process of its own, to be killed: NAMESRV GROUP RELEASE FIRST END FILE.

It sends the messages FIRST to END (exclusive); with none it only answers checks. What becomes of
message n is decided by n alone, so that any process of the group can answer a check: n % 3 is 0 commit,
1 rollback, 2 left to the check, which commits the even ones. FILE gets a line ``stored n``, ``failed n``
or ``asked n`` when that happened.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import trio

from rmqwire import (
    LocalTransactionState,
    Message,
    MessageExt,
    RmqError,
    TransactionProducer,
)
from rmqwire.codec.release import release_named

TOPIC = "swept"
PAUSE_S = 0.02  # all of it takes long enough for brokers to come and go
COMMIT = LocalTransactionState.COMMIT_MESSAGE
ROLLBACK = LocalTransactionState.ROLLBACK_MESSAGE
UNKNOW = LocalTransactionState.UNKNOW


def is_committed(number: int) -> bool:
    """Return what becomes of a message in the end."""
    return number % 3 == 0 or (number % 3 == 2 and number % 2 == 0)


async def send(producer: TransactionProducer, number: int, log: TextIO) -> None:
    """Send one message in a transaction."""

    def local(message: Message, _: object) -> LocalTransactionState:
        log.write(f"stored {message.keys}\n")
        return (COMMIT, ROLLBACK, UNKNOW)[number % 3]

    message = Message(TOPIC, b"%d" % number, keys=str(number))
    try:
        await producer.send_in_transaction(message, local)
    except RmqError as error:
        log.write(f"failed {number} {type(error).__name__}\n")
        await trio.sleep(0.2)


async def say_hello(producer: TransactionProducer) -> None:
    """Let the brokers hear of the group."""
    while True:
        try:
            await producer.fetch_publish_message_queues(TOPIC)
        except RmqError:
            await trio.sleep(0.5)
        else:
            return


async def main(words: list[str], log: TextIO) -> None:
    namesrv, group, version, first, end = words

    def check(message: MessageExt) -> LocalTransactionState:
        log.write(f"asked {message.keys}\n")
        return COMMIT if is_committed(int(message.keys or "0")) else ROLLBACK

    async with TransactionProducer(
        group,
        check=check,
        namesrv_addr=namesrv,
        release=release_named(version),
        heartbeat_broker_interval=1_000,
        poll_name_server_interval=1_000,
        retry_times_when_send_failed=0,  # a half message that is sent again is a second transaction
    ) as producer:
        await say_hello(producer)
        for number in range(int(first), int(end)):
            await send(producer, number, log)
            await trio.sleep(PAUSE_S)
        if first == end:
            await trio.sleep_forever()


if __name__ == "__main__":
    with Path(sys.argv[6]).open("a", buffering=1, encoding="utf-8") as file:
        trio.run(main, sys.argv[1:6], file)
