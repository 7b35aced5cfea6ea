"""Sending messages (Java ``DefaultMQProducer``). Shell on trio.

::

    async with Producer("group", namesrv_addr="127.0.0.1:9876") as producer:
        result = await producer.send(Message("topic", b"body", tags="a", keys="k"))

Many tasks may send through one producer at the same time; they share its connections. Several
producers and consumers share theirs through a ``Client``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from rmqwire import clock
from rmqwire.client.client import ClientUse
from rmqwire.client.fault_strategy import FaultStrategy
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.message import Message
from rmqwire.codec.message_const import DEFAULT_PRODUCER_GROUP
from rmqwire.errors import RemotingTimeout, RmqError, RouteNotFound, UsageError
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.outgoing import Outbound
from rmqwire.producer.results import SendResult, send_result
from rmqwire.producer.selector import MessageQueueSelector, apply_selector
from rmqwire.producer.send_plan import SendPlan
from rmqwire.remoting.channel import trio_ms

if TYPE_CHECKING:
    from random import Random
    from types import TracebackType
    from typing import Unpack

    from rmqwire.client.client import Client
    from rmqwire.client.instance import RemotingFactory
    from rmqwire.client.requests import OutgoingMessage
    from rmqwire.client.route_table import TopicPublishInfo
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.config import ProducerOptions

Messages = Message | Sequence[Message]


class Producer:
    """Send messages for a producer group; use it as ``async with``.

    Args:
        group: the producer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        config: settings as keywords, see ``ProducerConfig``; at least ``namesrv_addr``, unless the
            environment has NAMESRV_ADDR or there is a ``client``.
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
        client: Client | None = None,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[ProducerOptions],
    ) -> None:
        check_own_group(group, DEFAULT_PRODUCER_GROUP)
        self.group = group
        use = ClientUse(ProducerConfig, config, client, remoting, wall_ms, rng)
        self.config = use.config
        self._opening = use.opening
        self._instance = use.instance
        self._wall_ms = use.instance.wall_ms
        self._faults = FaultStrategy(
            self.config.release,
            trio_ms,
            self._instance.rng,
            enabled=self.config.send_latency_enable,
        )
        self._outbound = Outbound(group, self.config, self._instance.unique_ids.next)
        self._topics: set[str] = set()
        self._open = False

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._opening)
            self._instance.add_producer(self.group, self._topics)
            stack.push_async_callback(self._instance.remove_producer, self.group)
            self._closing = stack.pop_all()
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Take the group off the brokers and close the connections."""
        self._open = False
        return await self._closing.__aexit__(kind, error, traceback)

    async def send(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
    ) -> SendResult:
        """Send a message, or a list of them as one batch, and wait until it is stored.

        Without ``queue`` and ``selector`` the topic's queues take turns, and a failed attempt is
        repeated at another broker. A message may then be stored twice: consumers must bear it. What
        is raised at last tells all ``attempts``, and by ``maybe_stored`` whether one of them may
        have been stored all the same.

        Args:
            message: one message, or several of the same topic.
            queue: send to this queue, once.
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, look-ups and retries included; None for sendMsgTimeout.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue.
            RouteNotFound: no name server knows the topic, and it can't be made.
            BrokerError: the last broker refused it.
            RemotingError: the last broker couldn't be reached or didn't answer in time.
        """
        started = trio_ms()
        timeout_ms = self.config.send_msg_timeout if timeout_ms is None else timeout_ms
        outgoing, msg_id = self._prepare(message)
        if queue is not None or selector is not None:
            chosen = await self._choose(message, outgoing, queue, selector, arg, timeout_ms)
            left = timeout_ms - (trio_ms() - started)
            return await self._send_once(outgoing, msg_id, chosen, left)
        info = await self._publish_info(outgoing.topic, timeout_ms)
        plan = SendPlan(info, self._faults, self.config, started, timeout_ms)
        return await self._perform(plan, outgoing, msg_id)

    async def send_oneway(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
    ) -> None:
        """Send without waiting for an answer: nobody learns whether it was stored.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue.
            RouteNotFound: no name server knows the topic, and it can't be made.
            RemotingError: no connection.
        """
        outgoing, _ = self._prepare(message)
        timeout_ms = self.config.send_msg_timeout
        chosen = await self._choose(message, outgoing, queue, selector, arg, timeout_ms)
        addr = await self._addr(chosen)
        await self._instance.api.send_oneway(addr, outgoing, chosen, self._wall_ms())

    async def fetch_publish_message_queues(self, topic: str) -> list[MessageQueue]:
        """Return the queues of a topic that can be sent to.

        Raises:
            UsageError: no topic can have that name.
            RouteNotFound: no name server knows the topic.
            RemotingError: no name server answered.
        """
        check_topic(topic)
        info = await self._publish_info(topic, self.config.send_msg_timeout)
        return list(info.queues)

    def _prepare(self, message: Messages) -> tuple[OutgoingMessage, str]:
        if not self._open:
            raise UsageError("The producer service state not OK, use it inside `async with`")
        if isinstance(message, Message):
            return self._outbound.single(message)
        return self._outbound.batch(message)

    async def _publish_info(self, topic: str, timeout_ms: int) -> TopicPublishInfo:
        info = self._instance.routes.publish_info(topic)
        if info is None:
            config = self.config
            try:
                info = await self._instance.publish_info(
                    topic, config.create_topic_key, config.default_topic_queue_nums, timeout_ms
                )
            except RmqError as error:
                error.maybe_stored = False  # a look-up stores nothing, however it ends
                raise
            if info is None:
                raise RouteNotFound(f"No route info of this topic: {topic}")
        if topic not in self._topics:
            self._topics.add(topic)
            self._instance.heartbeat_soon()
        return info

    async def _choose(
        self,
        message: Messages,
        outgoing: OutgoingMessage,
        queue: MessageQueue | None,
        selector: MessageQueueSelector | None,
        arg: object,
        timeout_ms: int,
    ) -> MessageQueue:
        if queue is not None and queue.topic != outgoing.topic:
            raise UsageError("message's topic not equal mq's topic")
        info = await self._publish_info(outgoing.topic, timeout_ms)
        if queue is not None:
            return queue
        if selector is None:
            return self._faults.select(info, None)
        first = message if isinstance(message, Message) else message[0]
        return apply_selector(selector, info.queues, first, arg)

    async def _perform(self, plan: SendPlan, outgoing: OutgoingMessage, msg_id: str) -> SendResult:
        while (attempt := plan.next_attempt(trio_ms())) is not None:
            try:
                result = await self._send_once(outgoing, msg_id, attempt.queue, attempt.timeout_ms)
            except RmqError as error:
                if not plan.failed(error, trio_ms()):
                    break
            else:
                if plan.stored(result, trio_ms()):
                    return result
        if plan.result is not None:
            return plan.result
        raise plan.failure(outgoing.topic, trio_ms())

    async def _send_once(
        self, outgoing: OutgoingMessage, msg_id: str, queue: MessageQueue, timeout_ms: int
    ) -> SendResult:
        if timeout_ms <= 0:
            raise RemotingTimeout("sendKernelImpl call timeout", maybe_stored=False)
        addr = await self._addr(queue)
        answer = await self._instance.api.send(addr, outgoing, queue, self._wall_ms(), timeout_ms)
        return send_result(answer, msg_id, queue)

    async def _addr(self, queue: MessageQueue) -> str:
        return (await self._instance.broker_addr(queue, only_this=True)).addr
