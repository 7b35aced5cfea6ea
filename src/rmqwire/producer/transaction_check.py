"""Answers to brokers that ask what became of a transaction (``checkTransactionState``)."""

from __future__ import annotations

import inspect
import logging
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Final

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.headers import EndTransactionRequestHeader
from rmqwire.codec.sys_flag import (
    TRANSACTION_COMMIT_TYPE,
    TRANSACTION_NOT_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
)
from rmqwire.errors import RmqError, UsageError
from rmqwire.remoting.limited_log import LimitedLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.tasks import Tasks
    from rmqwire.codec.headers import CheckTransactionStateRequestHeader
    from rmqwire.codec.message import StoredMessage
    from rmqwire.producer.config import TransactionProducerConfig

logger = logging.getLogger(__name__)


class LocalTransactionState(Enum):
    """What becomes of a message."""

    COMMIT_MESSAGE = "COMMIT_MESSAGE"  # consumers shall see it
    ROLLBACK_MESSAGE = "ROLLBACK_MESSAGE"  # it shall be thrown away
    UNKNOW = "UNKNOW"  # not known yet: the broker asks (again)


COMMIT_OR_ROLLBACK: Final = {
    LocalTransactionState.COMMIT_MESSAGE: TRANSACTION_COMMIT_TYPE,
    LocalTransactionState.ROLLBACK_MESSAGE: TRANSACTION_ROLLBACK_TYPE,
    LocalTransactionState.UNKNOW: TRANSACTION_NOT_TYPE,
}

TransactionCheck: TypeAlias = (
    "Callable[[MessageExt], LocalTransactionState | Awaitable[LocalTransactionState]]"
)


class TransactionChecks:
    """The checks of one producer group.

    Args:
        group: the producer group.
        check: the user's.
        config: how many run and wait.
        instance: sends the answers.
        tasks: where checks run.

    Raises:
        UsageError: ``check`` can't be called.
    """

    def __init__(
        self,
        group: str,
        check: TransactionCheck,
        config: TransactionProducerConfig,
        instance: ClientInstance,
        tasks: Tasks,
    ) -> None:
        if not callable(check):
            raise UsageError(f"check {check!r} can't be called")
        self._group = group
        self._check = check
        self._instance = instance
        self._tasks = tasks
        self._most = config.check_thread_pool_max_size
        self._hold_max = config.check_request_hold_max
        self._in_threads = config.check_in_threads and not inspect.iscoroutinefunction(check)
        self._waiting: deque[tuple[str, StoredMessage, CheckTransactionStateRequestHeader]] = (
            deque()
        )
        self._running = 0
        self._log = LimitedLog(logger)

    def asked(
        self, addr: str, message: StoredMessage, header: CheckTransactionStateRequestHeader
    ) -> None:
        """Take a broker's question; the answer follows when its turn comes."""
        if len(self._waiting) >= self._hold_max:
            self._log.warning("dropped", "%s asks too much about group %s", addr, self._group)
            return
        self._waiting.append((addr, message, header))
        self._start()

    def _start(self) -> None:
        while self._waiting and self._running < self._most:
            self._running += 1
            self._tasks.spawn(self._answer, *self._waiting.popleft())

    async def _answer(
        self, addr: str, message: StoredMessage, asked: CheckTransactionStateRequestHeader
    ) -> None:
        try:
            state, remark = await self._run(MessageExt.of(message, asked.bname or ""))
            header = EndTransactionRequestHeader(
                topic=asked.topic,
                bname=asked.bname,
                producer_group=self._group,
                tran_state_table_offset=asked.tran_state_table_offset,
                commit_log_offset=asked.commit_log_offset,
                commit_or_rollback=COMMIT_OR_ROLLBACK[state],
                from_transaction_check=True,
                msg_id=message.unique_key or message.message_id,
                transaction_id=asked.transaction_id,
            )
            await self._instance.api.end_transaction(addr, header, remark)
        except RmqError as error:
            self._log.warning(
                "lost", "%s isn't told of a transaction, it asks again: %s", addr, error
            )
        finally:
            self._running -= 1
            self._start()

    async def _run(self, message: MessageExt) -> tuple[LocalTransactionState, str | None]:
        """Call the user's check; return what it said, and what it raised, in words."""
        try:
            if self._in_threads:
                said = await self._tasks.in_thread(self._check, message)
            else:
                said = self._check(message)
            if inspect.isawaitable(said):
                said = await said
        except Exception as error:  # the user's code: logged, the broker asks again
            logger.exception("the check of transaction %s failed", message.msg_id)
            words = f"checkLocalTransactionState Exception: {type(error).__name__}: {error}"
            return LocalTransactionState.UNKNOW, words
        if not isinstance(said, LocalTransactionState):
            self._log.warning("odd", "the check of group %s returned %r", self._group, said)
            return LocalTransactionState.UNKNOW, None
        return said, None
