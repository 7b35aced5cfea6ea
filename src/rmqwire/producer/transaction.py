"""Sending in transactions (Java ``TransactionMQProducer``).

::

    def check(message: MessageExt) -> LocalTransactionState:  # asked by a broker that wasn't told
        return COMMIT if is_paid(message.keys) else ROLLBACK

    async with TransactionProducer("group", check=check, namesrv_addr=...) as producer:
        async with producer.transaction(Message("topic", b"body", keys="order-7")):
            ...  # the local transaction: left normally it commits, by an exception it rolls back

The broker keeps a half message, which nobody sees, until it is told what becomes of it. When it isn't
told, because a process died or a connection broke, it asks any producer of the group.
"""

from __future__ import annotations

import inspect
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire import clock
from rmqwire.broker_errors import broker_error
from rmqwire.client.client import ClientUse
from rmqwire.client.tasks import Tasks
from rmqwire.codec import message_const as const
from rmqwire.codec.headers import EndTransactionRequestHeader
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.errors import RmqError, UsageError
from rmqwire.producer.config import TransactionProducerConfig
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import STATUS_OF_CODE, SendResult, SendStatus
from rmqwire.producer.transaction_check import (
    COMMIT_OR_ROLLBACK,
    LocalTransactionState,
    TransactionCheck,
    TransactionChecks,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AsyncExitStack
    from random import Random
    from typing import TypeAlias, Unpack

    from rmqwire.client.client import Client
    from rmqwire.client.instance import RemotingFactory
    from rmqwire.clock import WallMs
    from rmqwire.codec.message import Message
    from rmqwire.producer.config import TransactionProducerOptions
    from rmqwire.producer.hooks import SendHook

    State: TypeAlias = LocalTransactionState | None
    LocalTransaction: TypeAlias = Callable[[Message, object], State | Awaitable[State]]

_LATER: Final = (
    const.PROPERTY_DELAY_TIME_LEVEL,
    const.PROPERTY_TIMER_DELAY_MS,
    const.PROPERTY_TIMER_DELAY_SEC,
    const.PROPERTY_TIMER_DELIVER_MS,
)
CODE_OF_STATUS: Final = {status: code for code, status in STATUS_OF_CODE.items()}
logger = logging.getLogger(__name__)


class TransactionSendResult(SendResult, gc=False):
    """A half message, and what the local transaction said becomes of it.

    Args:
        local_transaction_state: what the broker was told.
    """

    local_transaction_state: LocalTransactionState = LocalTransactionState.UNKNOW


class Transaction:
    """One transaction of an ``async with`` block.

    Attributes:
        message: the message.
        result: where its half message is.
        state: what the broker will be told when the block is left normally.
    """

    def __init__(self, message: Message, result: SendResult) -> None:
        self.message = message
        self.result = result
        self.state = LocalTransactionState.COMMIT_MESSAGE

    def rollback(self) -> None:
        """Have the message thrown away when the block is left."""
        self.state = LocalTransactionState.ROLLBACK_MESSAGE

    def unknown(self) -> None:
        """Leave it to the check what becomes of the message."""
        self.state = LocalTransactionState.UNKNOW


class TransactionProducer(Producer):
    """Send messages that consumers see only after a local transaction; use it as ``async with``.

    Args:
        group: the producer group; brokers ask any of its producers about any of its transactions.
        check: tells what became of the transaction of a message, plain or async; asked when a
            broker wasn't told. What it raises is "not known yet", and it is asked again.
        client: whose connections to share; None for own ones.
        hooks: look at each attempt of a send.
        config: settings as keywords, see ``TransactionProducerConfig``; at least ``namesrv_addr``,
            unless the environment has NAMESRV_ADDR or there is a ``client``.
        remoting: opens what carries the requests; None for real connections.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Raises:
        UsageError: a bad group or setting.
    """

    def __init__(
        self,
        group: str,
        *,
        check: TransactionCheck,
        client: Client | None = None,
        hooks: Sequence[SendHook] = (),
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[TransactionProducerOptions],
    ) -> None:
        use = ClientUse(TransactionProducerConfig, config, client, remoting, wall_ms, rng)
        self._begin(group, use, hooks)
        self._tasks = Tasks()
        self._checks = TransactionChecks(group, check, use.config, self._instance, self._tasks)

    async def _enter_more(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self._tasks)
        self._instance.checkers[self.group] = self._checks
        stack.callback(self._instance.checkers.pop, self.group)

    async def send_in_transaction(
        self, message: Message, local: LocalTransaction, arg: object = None
    ) -> TransactionSendResult:
        """Send a half message, run the local transaction, tell the broker what became of it.

        A half message that isn't as safe as the broker is set to (FLUSH_DISK_TIMEOUT and the like)
        is rolled back without running the local transaction, as Java does it.

        Args:
            message: which consumers shall see if the transaction commits.
            local: the local transaction, plain or async, called with the message and ``arg``; None
                and what it raises are UNKNOW: the broker will ask.
            arg: for ``local``.

        Raises:
            UsageError: a message that no broker takes, or a delayed one.
            RmqError: the half message couldn't be sent, see ``Producer.send``; ``local`` wasn't run.
        """
        result = await self._send_half(message)
        remark = None
        state = LocalTransactionState.ROLLBACK_MESSAGE
        if result.send_status is SendStatus.SEND_OK:
            state, remark = await self._run(local, message, arg)
        await self._end(message, result, state, remark)
        told = msgspec.structs.asdict(result)
        return TransactionSendResult(**told, local_transaction_state=state)

    @asynccontextmanager
    async def transaction(self, message: Message) -> AsyncIterator[Transaction]:
        """Send a half message; commit it on leaving, roll it back on an exception.

        Args:
            message: which consumers shall see if the block is left normally.

        Raises:
            UsageError: a message that no broker takes, or a delayed one.
            RmqError: the half message couldn't be sent, or isn't safe: it is rolled back.
        """
        result = await self._send_half(message)
        status = result.send_status
        rollback = LocalTransactionState.ROLLBACK_MESSAGE
        if status is not SendStatus.SEND_OK:
            await self._end(message, result, rollback, None)
            raise broker_error(
                CODE_OF_STATUS[status], f"the half message is rolled back: {status.name}"
            )
        transaction = Transaction(message, result)
        try:
            yield transaction
        except Exception as error:
            await self._end(message, result, rollback, _in_words(error))
            raise
        except BaseException:  # cancelled: nothing can be awaited here any more
            self._tasks.spawn(self._end, message, result, rollback, None)
            raise
        await self._end(message, result, transaction.state, None)

    async def _send_half(self, message: Message) -> SendResult:
        properties = message.properties
        if any(name in properties for name in _LATER):
            raise UsageError("Transactional messages do not support delayed delivery")
        properties[const.PROPERTY_TRANSACTION_PREPARED] = "true"
        properties[const.PROPERTY_PRODUCER_GROUP] = self._instance.namespace.wrap(self.group)
        result = await self.send(message)
        if result.transaction_id is not None:
            properties[const.PROPERTY_TRANSACTION_ID] = result.transaction_id
        message.transaction_id = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        return result

    async def _run(
        self, local: LocalTransaction, message: Message, arg: object
    ) -> tuple[LocalTransactionState, str | None]:
        """Run a local transaction; return what it said, and what it raised, in words."""
        try:
            said = local(message, arg)
            if inspect.isawaitable(said):
                said = await said
        except Exception as error:  # the user's code: logged, the broker will ask
            logger.exception("the local transaction of %s failed", message.transaction_id)
            return LocalTransactionState.UNKNOW, _in_words(error)
        return said or LocalTransactionState.UNKNOW, None

    async def _end(
        self,
        message: Message,
        result: SendResult,
        state: LocalTransactionState,
        remark: str | None,
    ) -> None:
        """Tell the broker; when it can't be reached it will ask."""
        queue = result.message_queue
        header = EndTransactionRequestHeader(
            topic=message.topic,
            bname=queue.broker_name,
            producer_group=self.group,
            tran_state_table_offset=result.queue_offset,
            commit_log_offset=decode_offset_id(result.offset_msg_id)[2],
            commit_or_rollback=COMMIT_OR_ROLLBACK[state],
            msg_id=result.msg_id,
            transaction_id=result.transaction_id,
        )
        try:
            address = await self._instance.broker_addr(queue, only_this=True)
            await self._instance.api.end_transaction(address.addr, header, remark)
        except RmqError as error:
            logger.warning(
                "%s of %s not told, the broker will ask: %s", state, result.msg_id, error
            )


def _in_words(error: Exception) -> str:
    return f"executeLocalTransactionBranch exception: {type(error).__name__}: {error}"
