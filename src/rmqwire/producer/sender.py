"""Sending for one producer group, without a group's life (``DefaultMQProducerImpl.sendDefaultImpl``).

A ``Producer`` is this and a registered group. A consumer sends so, as ``CLIENT_INNER_PRODUCER``, what
it can't hand back to a broker otherwise.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.client.fault_strategy import FaultStrategy
from rmqwire.codec.message import Message
from rmqwire.codec.recall import read_recall_handle
from rmqwire.errors import (
    RemotingTimeout,
    RmqError,
    RouteNotFound,
    UsageError,
)
from rmqwire.producer.first_attempt import FirstAttempt, FirstWait
from rmqwire.producer.hooks import SendContext, begin, check_forbidden, end, run_after, run_before
from rmqwire.producer.how import PLAIN, How
from rmqwire.producer.outgoing import Accumulation, Messages, Outbound, Prepared
from rmqwire.producer.results import SendResult, send_result
from rmqwire.producer.selector import apply_selector
from rmqwire.producer.send_plan import SendPlan
from rmqwire.producer.send_writer import SendWriter
from rmqwire.remoting.answer_waiter import SILENCE_MS
from rmqwire.remoting.channel import trio_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.route_table import TopicPublishInfo
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.config import ProducerConfig
    from rmqwire.producer.hooks import SendHook
    from rmqwire.remoting.loan import Borrower


def topic_of(message: Messages) -> str:
    """Return the topic of a message or a batch, "" of an empty one."""
    if isinstance(message, Message):
        return message.topic
    return message[0].topic if message else ""


def check_queue(queue: MessageQueue | None, topic: str) -> None:
    """Refuse a queue of another topic.

    Raises:
        UsageError: it is one.
    """
    if queue is not None and queue.topic != topic:
        raise UsageError("message's topic not equal mq's topic")


class Sender:
    """Send messages of one group through a client.

    Args:
        group: the producer group that messages are of.
        config: limits, compression, retries.
        instance: routes, addresses and calls.
        hooks: look at each attempt.

    Attributes:
        faults: which brokers are left alone.
        topics: what was sent to: the client keeps their routes fresh.
    """

    def __init__(
        self,
        group: str,
        config: ProducerConfig,
        instance: ClientInstance,
        hooks: Sequence[SendHook] = (),
    ) -> None:
        self.hooks = list(hooks)
        self._group = group
        self._config = config
        self._instance = instance
        self.faults = FaultStrategy(
            config.release,
            trio_ms,
            instance.rng,
            enabled=config.send_latency_enable,
            table=config.fault_table(),
        )
        self._outbound = Outbound(group, config, instance.unique_ids)
        self._writer = SendWriter(self._outbound, config, instance)
        self.topics: set[str] = set()
        self._planned = (  # which a plan alone knows how to do
            config.retry_another_broker_when_not_store_ok
            or config.send_msg_max_timeout_per_request > -1
        )

    def send(self, message: Messages, how: How = PLAIN) -> Coroutine[object, object, SendResult]:
        """Send and wait until it is stored; see ``Producer.send``."""
        send = partial(self._send, message, how)
        if not self.hooks or isinstance(message, Accumulation):  # each of its messages was told of
            return send()
        return self.told(message, send)

    async def told(
        self, message: Messages, send: Callable[[], Coroutine[object, object, SendResult]]
    ) -> SendResult:
        """Send a message in some way, and tell the hooks when that begins and ends."""
        sending = begin(self.hooks, self._group, message)
        try:
            sending.result = result = await send()
        except BaseException as error:
            sending.error = error
            raise
        finally:
            end(self.hooks, sending)
        return result

    async def _send(self, message: Messages, how: How) -> SendResult:
        started, timeout_ms = trio_ms(), how.timeout_ms
        if timeout_ms is None:
            timeout_ms = self._config.send_msg_timeout
        first = FirstWait()
        if self.send_now(message, how, timeout_ms, started, first.answered, first):
            await first.wait()
            return first.attempt.result or await self.finish(first.attempt)
        prepared, topic = self._prepare(message), topic_of(message)
        if how.queue is not None or how.selector is not None:
            chosen = await self._choose(message, topic, how, timeout_ms)
            left = timeout_ms - (trio_ms() - started)
            return await self._send_once(prepared, chosen, left)
        info = await self.publish_info(topic, timeout_ms)
        plan = SendPlan(info, self.faults, self._config, started, timeout_ms, soon=how.soon)
        return await self._perform(plan, prepared)

    def send_now(
        self,
        message: Messages,
        how: How,
        timeout_ms: int,
        mono_ms: int,
        answered: Callable[[FirstAttempt], None],
        owner: object,
        borrower: Borrower | None = None,
    ) -> bool:
        """Make the first attempt of a send if that needs no waiting; tell whether it was made.

        Nothing has happened when it wasn't. No call of trio's is among this: another thread may do it
        while the loop sleeps (``bridge/turns.py``).

        Args:
            message: one message or a batch.
            how: it is sent.
            timeout_ms: for all attempts.
            mono_ms: the time, of trio's clock.
            answered: called once it is over: it has its result, or is to be given to ``finish``.
            owner: of the attempt, for ``answered``.
            borrower: this thread, if it can read the answer itself.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue; an error of a selector.
        """
        instance = self._instance
        topic = message.topic if isinstance(message, Message) else topic_of(message)
        info = instance.routes.publish.get(topic)
        if info is None or self.hooks or topic not in self.topics:
            return False
        if timeout_ms <= 0 or (self._planned and not how.soon):
            return False
        faults, before = self.faults, info.last
        more: TopicPublishInfo | None = info
        if how.queue is None and how.selector is None:
            chosen = faults.select(info, None) if faults.enabled else info.select()
        else:
            check_queue(how.queue, topic)
            chosen, more = self._chosen(info, message, how), None
        addr = instance.routes.master_addr(chosen.broker_name)
        sent = False
        try:
            if addr is not None:
                shape, msg_id, opaque, frame = self._writer.write(message, chosen)
                first = FirstAttempt(
                    message,
                    shape,
                    msg_id,
                    frame,
                    chosen,
                    addr,
                    faults,
                    more,
                    how.soon,
                    mono_ms,
                    mono_ms + timeout_ms,
                    timeout_ms if timeout_ms > SILENCE_MS else 0,
                    answered,
                    owner,
                )
                api = instance.api
                sent = api.remoting.invoke_now(api.broker(addr), opaque, frame, first, borrower)
        finally:
            if not sent:
                info.reset(before)
        return sent

    async def finish(self, first: FirstAttempt) -> SendResult:
        """Go on with a send whose first attempt has failed.

        Raises:
            RmqError: as ``send`` does.
        """
        error = first.error
        if error is None:  # a broker that was going
            try:
                left_ms = first.deadline_ms - trio_ms()
                return await self._send_once(first.prepare_again(), first.queue, left_ms)
            except RmqError as again:
                error = again
        if first.info is None:
            raise error
        plan = SendPlan(
            first.info,
            self.faults,
            self._config,
            first.began_ms,
            first.deadline_ms - first.began_ms,
            soon=first.soon,
        )
        plan.begun(first.queue, first.began_ms)
        if plan.failed(error, trio_ms()):
            return await self._perform(plan, first.prepare_again())
        raise plan.failure(first.info.queues[0].topic, trio_ms())

    async def send_oneway(self, message: Messages, how: How) -> None:
        """Send without waiting for an answer; see ``Producer.send_oneway``."""
        sending = begin(self.hooks, self._group, message)
        try:
            await self._send_oneway(message, how)
        except BaseException as error:
            sending.error = error
            raise
        finally:
            end(self.hooks, sending)

    async def _send_oneway(self, message: Messages, how: How) -> None:
        prepared = self._prepare(message)
        outgoing = prepared.outgoing
        timeout_ms = self._config.send_msg_timeout
        chosen = await self._choose(message, topic_of(message), how, timeout_ms)
        addr = await self._addr(chosen)
        context = self._begin(prepared, chosen, addr)
        await self._instance.api.send_oneway(addr, outgoing, chosen, self._instance.wall_ms())
        if context is not None:
            run_after(self.hooks, context)

    def _prepare(self, message: Messages) -> Prepared:
        if isinstance(message, Message):
            return self._outbound.single(message)
        return self._outbound.batch(message)

    async def recall(self, topic: str, recall_handle: str, timeout_ms: int | None) -> str:
        """Take a timer message back, see ``Producer.recall``."""
        handle = read_recall_handle(recall_handle)
        limit_ms = self._config.send_msg_timeout if timeout_ms is None else timeout_ms
        await self.publish_info(topic, limit_ms)
        instance = self._instance
        addr = instance.routes.master_addr(handle.broker_name)
        if addr is None:
            raise RouteNotFound(f"The broker[{handle.broker_name}] not exist")
        request = instance.api.requests.recall(
            self._group, topic, handle.broker_name, recall_handle
        )
        return await instance.api.recall(addr, request, limit_ms)

    async def publish_info(self, topic: str, timeout_ms: int) -> TopicPublishInfo:
        """Return the queues of a topic, asking the name servers if need be.

        Raises:
            RouteNotFound: no name server knows the topic, and it can't be made.
            RemotingError: no name server answered.
        """
        info = self._instance.routes.publish.get(topic)
        if info is None:
            config = self._config
            try:
                info = await self._instance.publish_info(
                    topic, config.create_topic_key, config.default_topic_queue_nums, timeout_ms
                )
            except RmqError as error:
                error.maybe_stored = False  # a look-up stores nothing, however it ends
                raise
            if info is None:
                raise RouteNotFound(f"No route info of this topic: {topic}")
        if topic not in self.topics:
            self.topics.add(topic)
            self._instance.heartbeat_soon()
        return info

    async def choose(self, message: Message, how: How) -> MessageQueue:
        """Return the queue that a message is to go to.

        Raises:
            UsageError: a queue of another topic, or none of this one.
            RouteNotFound: no name server knows the topic, and it can't be made.
            RemotingError: no name server answered.
        """
        limit_ms = self._config.send_msg_timeout
        return await self._choose(message, message.topic, how, limit_ms)

    async def _choose(
        self,
        message: Messages,
        topic: str,
        how: How,
        timeout_ms: int,
    ) -> MessageQueue:
        check_queue(how.queue, topic)
        info = await self.publish_info(topic, timeout_ms)
        return self._chosen(info, message, how)

    def _chosen(self, info: TopicPublishInfo, message: Messages, how: How) -> MessageQueue:
        if how.queue is not None:
            return how.queue
        if how.selector is None:
            return self.faults.select(info, None)
        first = message if isinstance(message, Message) else message[0]
        return apply_selector(how.selector, info.queues, first, how.arg)

    async def _perform(self, plan: SendPlan, prepared: Prepared) -> SendResult:
        while (attempt := plan.next_attempt(trio_ms())) is not None:
            try:
                result = await self._send_once(prepared, attempt.queue, attempt.timeout_ms)
            except RmqError as error:
                if not plan.failed(error, trio_ms()):
                    break
            else:
                if plan.stored(result, trio_ms()):
                    return result
        if plan.result is not None:
            return plan.result
        raise plan.failure(prepared.outgoing.shape.topic, trio_ms())

    async def _send_once(
        self, prepared: Prepared, queue: MessageQueue, timeout_ms: int
    ) -> SendResult:
        if timeout_ms <= 0:
            raise RemotingTimeout("sendKernelImpl call timeout", maybe_stored=False)
        addr = await self._addr(queue)
        context = self._begin(prepared, queue, addr)
        if context is None:
            return await self._ask(prepared, queue, addr, timeout_ms)
        try:
            context.result = await self._ask(prepared, queue, addr, timeout_ms)
        except RmqError as error:
            context.error = error
            raise
        finally:
            run_after(self.hooks, context)
        return context.result

    def _begin(self, prepared: Prepared, queue: MessageQueue, addr: str) -> SendContext | None:
        """Tell the hooks of an attempt; None without hooks."""
        if not self.hooks:
            return None
        context = SendContext(
            self._group, prepared.message, prepared.outgoing, queue, addr, self._instance.wall_ms()
        )
        check_forbidden(self.hooks, context)
        run_before(self.hooks, context)
        return context

    async def _ask(
        self, prepared: Prepared, queue: MessageQueue, addr: str, timeout_ms: int
    ) -> SendResult:
        answer = await self._instance.api.send(
            addr, prepared.outgoing, queue, self._instance.wall_ms(), timeout_ms
        )
        return send_result(answer, addr, prepared.msg_id, queue)

    async def _addr(self, queue: MessageQueue) -> str:
        return (await self._instance.broker_addr(queue, only_this=True)).addr
