"""Sending messages (Java ``DefaultMQProducer``).

::

    async with Producer("group", namesrv_addr="127.0.0.1:9876") as producer:
        result = await producer.send(Message("topic", b"body", tags="a", keys="k"))

Many tasks may send through one producer at the same time; they share its connections. Several
producers and consumers share theirs through a ``Client``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self, TypeVar

from rmqwire import clock
from rmqwire.client.client import ClientUse
from rmqwire.client.mq_admin import MQAdmin
from rmqwire.client.tasks import Tasks
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.message_const import DEFAULT_PRODUCER_GROUP
from rmqwire.errors import UsageError
from rmqwire.producer.accumulator import Accumulator
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.detector import Detector
from rmqwire.producer.how import SOON, how_of
from rmqwire.producer.request_reply import RequestReply
from rmqwire.producer.selector import LITE_TOPIC
from rmqwire.producer.send_soon import SendHandle, SoonSends
from rmqwire.producer.sender import Sender
from rmqwire.producer.trace import PRODUCE, SendTraceHook, TraceDispatcher
from rmqwire.producer.warm_up import warm_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from random import Random
    from types import TracebackType
    from typing import Unpack

    from rmqwire.client.client import Client
    from rmqwire.client.instance import RemotingFactory
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.message import Message
    from rmqwire.producer.config import ProducerOptions
    from rmqwire.producer.hooks import SendHook
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.results import SendResult
    from rmqwire.producer.selector import MessageQueueSelector
    from rmqwire.producer.send_soon import Sent

C = TypeVar("C", bound=ProducerConfig)


class Producer(MQAdmin):
    """Send messages for a producer group; use it as ``async with``.

    Args:
        group: the producer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        hooks: look at each attempt of a send.
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
        hooks: Sequence[SendHook] = (),
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[ProducerOptions],
    ) -> None:
        use = ClientUse(ProducerConfig, config, client, remoting, wall_ms, rng)
        self._begin(group, use, hooks)

    def _begin(self, group: str, use: ClientUse[C], hooks: Sequence[SendHook]) -> None:
        check_own_group(group, DEFAULT_PRODUCER_GROUP)
        self.group = group
        self.config: ProducerConfig = use.config
        self._opening = use.opening
        self._instance = use.instance
        self._sender = Sender(group, use.config, use.instance, hooks)
        self._trace: TraceDispatcher | None = None
        if use.config.enable_trace:
            self._trace = TraceDispatcher(group, PRODUCE, use.config, use.instance)
            self._sender.hooks.append(SendTraceHook(self._trace))
        self._requests = RequestReply(self._sender, use.instance)
        self._soon_tasks = Tasks()
        self._accumulator = Accumulator(self._sender, use.config, self._soon_tasks)
        self._soon = SoonSends(self._sender, self._accumulator, use.config, self._soon_tasks)
        self._open = False

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._opening)
            self._instance.add_producer(self.group, self._sender.topics)
            stack.push_async_callback(self._instance.remove_producer, self.group)
            await self._enter_more(stack)
            await warm_up(self._sender, self._instance, self.config)
            stack.callback(self._soon.abandon)
            await stack.enter_async_context(self._soon_tasks)
            if self._trace is not None:
                self._soon_tasks.spawn(self._trace.rounds)
            if self.config.send_latency_enable and self.config.start_detector_enable:
                sender = self._sender
                detector = Detector(sender.faults, self._instance, sender.topics, self._soon_tasks)
                self._soon_tasks.spawn(detector.rounds)
            self._closing = stack.pop_all()
        self._open = True
        return self

    async def _enter_more(self, stack: AsyncExitStack) -> None:
        """Begin what a kind of producer runs besides; it ends with the stack."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Wait for what is under way, take the group off the brokers and close the connections.

        With an exception on its way nothing is waited for.
        """
        self._open = False
        try:
            if kind is None:
                await self._soon.finish()
                if self._trace is not None:
                    await self._trace.finish()
        finally:  # the wait may be cancelled
            swallowed = await self._closing.__aexit__(kind, error, traceback)
        return swallowed

    async def send(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        key: object = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
    ) -> SendResult:
        """Send a message, or a list of them as one batch, and wait until it is stored.

        Without ``queue`` and ``selector`` the topic's queues take turns, and a failed attempt is
        repeated at another broker. A message may then be stored twice: consumers must bear it. What
        is raised at last tells all ``attempts``, and by ``maybe_stored`` whether one of them may
        have been stored all the same. With auto_batch a single message waits a little for others of
        its topic and tag, and they go as one batch.

        Args:
            message: one message, or several of the same topic.
            queue: send to this queue, once.
            key: send to the queue that Java's hash of this key chooses, once: messages of one key
                stay in order (``select_by_hash``).
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, look-ups and retries included; None for sendMsgTimeout.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue.
            RouteNotFound: no name server knows the topic, and it can't be made.
            BrokerError: the last broker refused it.
            RemotingError: the last broker couldn't be reached or didn't answer in time.
        """
        self._check_open()
        how = how_of(message, queue, key, selector, arg, timeout_ms, soon=False)
        if timeout_ms is None and self._accumulator.takes(message):
            return await self._accumulator.send(message, how)
        return await self._sender.send(message, how)

    def send_soon(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        key: object = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
    ) -> SendHandle:
        """Send without waiting now, and return what tells how it went.

        An attempt without an answer is repeated at another broker, up to
        retryTimesWhenSendAsyncFailed; what a broker refuses isn't. Any number may be under way:
        ``await producer.ready()`` before each keeps it within limits.

        Args:
            message: one message, or several of the same topic.
            queue: send to this queue, once.
            key: send to the queue of this key, as ``send`` does.
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, look-ups and retries included; None for sendMsgTimeout.

        Raises:
            UsageError: outside of ``async with``, or a key and a selector.
        """
        self._check_open()
        how = how_of(message, queue, key, selector, arg, timeout_ms, soon=True)
        handle = SendHandle(message)
        self._soon.begin(handle, how)
        return handle

    def begin_send(
        self,
        sent: Sent,
        *,
        queue: MessageQueue | None,
        key: object,
        selector: MessageQueueSelector | None,
        arg: object,
        timeout_ms: int | None,
        soon: bool,
    ) -> None:
        """Begin what ``send_soon`` or, not ``soon``, ``send`` does; for the faces of other colours.

        Raises:
            UsageError: outside of ``async with``, or a key and a selector.
        """
        self._check_open()
        how = how_of(sent.message, queue, key, selector, arg, timeout_ms, soon=soon)
        self._soon.begin(sent, how)

    def begin_now(
        self,
        sent: Sent,
        *,
        queue: MessageQueue | None,
        key: object,
        selector: MessageQueueSelector | None,
        arg: object,
        timeout_ms: int | None,
        soon: bool,
        mono_ms: int,
    ) -> bool:
        """Do the same while the loop of this producer sleeps, from another thread; ``mono_ms`` is its time.

        Returns:
            False: nothing was done, it needs the loop; so do a selector, which is the user's code, and the
            clock of what avoids faults.

        Raises:
            UsageError: outside of ``async with``, or a key and a selector; a message that no broker takes.
        """
        if selector is not None:
            return False
        self._check_open()
        if self._sender.faults.enabled:
            return False
        how = how_of(sent.message, queue, key, selector, arg, timeout_ms, soon=soon)
        return self._soon.begin_now(sent, how, mono_ms, sent.borrower)

    async def ready(self) -> None:
        """Wait until fewer sends are under way than backPressureForAsyncSendNum and -Size say."""
        await self._soon.ready()

    async def send_many(
        self,
        messages: Iterable[Message] | AsyncIterable[Message],
        *,
        in_flight: int = 64,
        key: Callable[[Message], object] | None = None,
    ) -> AsyncIterator[SendHandle]:
        """Send any number of messages, some of them at a time, and tell how each went.

        ::

            async for sent in producer.send_many(messages):
                print(sent.message, sent.result or sent.error)

        Args:
            messages: taken from as there is room.
            in_flight: how many are under way at the same time.
            key: tells the key of a message, for those that must stay in order. Its order is kept as
                long as sends succeed; a single one in flight keeps it always.

        Yields:
            the handles of sends that have ended, in the order of the messages.

        Raises:
            UsageError: outside of ``async with``, or less than one in flight.
        """
        if in_flight < 1:
            raise UsageError("in_flight < 1")
        window: deque[SendHandle] = deque()
        if isinstance(messages, AsyncIterable):
            async for message in messages:
                if len(window) == in_flight:
                    await window[0].settled()
                    yield window.popleft()
                window.append(self._begin_of_many(message, key))
        else:
            for message in messages:
                if len(window) == in_flight:
                    if not window[0].done:
                        await window[0].settled()
                    yield window.popleft()
                window.append(self._begin_of_many(message, key))
        while window:
            await window[0].settled()
            yield window.popleft()

    def _begin_of_many(
        self, message: Message, key: Callable[[Message], object] | None
    ) -> SendHandle:
        if not self._open:
            self._check_open()
        how = SOON
        if key is not None or LITE_TOPIC in message.properties:
            chosen_by = None if key is None else key(message)
            how = how_of(message, None, chosen_by, None, None, None, soon=True)
        handle = SendHandle(message)
        self._soon.begin(handle, how)
        return handle

    async def send_oneway(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        key: object = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
    ) -> None:
        """Send without waiting for an answer: nobody learns whether it was stored.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue.
            RouteNotFound: no name server knows the topic, and it can't be made.
            RemotingError: no connection.
        """
        self._check_open()
        how = how_of(message, queue, key, selector, arg, None, soon=False)
        await self._sender.send_oneway(message, how)

    async def request(
        self,
        message: Message,
        *,
        queue: MessageQueue | None = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
    ) -> MessageExt:
        """Send a request and wait for the answer of whoever consumes it.

        The other side sends ``reply_to(request, body)`` through any producer.

        Args:
            message: the request.
            queue: send to this queue, once.
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, the answer included; None for sendMsgTimeout.

        Returns:
            the answer.

        Raises:
            RequestTimeout: the request was stored, but no answer came in time.
            RmqError: it wasn't sent; as for ``send``.
        """
        self._check_open()
        if timeout_ms is None:
            timeout_ms = self.config.send_msg_timeout
        return await self._requests.request(
            message, queue=queue, selector=selector, arg=arg, timeout_ms=timeout_ms
        )

    async def recall(self, topic: str, recall_handle: str, *, timeout_ms: int | None = None) -> str:
        """Take a timer message back that isn't delivered yet; its broker must allow it.

        No broker looks whether the message is there: a recall of what isn't is answered alike.

        Args:
            topic: of the message.
            recall_handle: of the ``SendResult``.
            timeout_ms: for all of it; None for sendMsgTimeout.

        Returns:
            The message's id.

        Raises:
            UsageError: no topic can have that name.
            BadHeader: it is no handle.
            RouteNotFound: no name server knows the topic, or the message's broker.
            BrokerError: the broker refused: recalls are forbidden there, or it's too late.
            RemotingError: the broker couldn't be reached or didn't answer in time.
        """
        self._check_open()
        check_topic(topic)
        return await self._sender.recall(topic, recall_handle, timeout_ms)

    async def fetch_publish_message_queues(self, topic: str) -> list[MessageQueue]:
        """Return the queues of a topic that can be sent to.

        Raises:
            UsageError: no topic can have that name.
            RouteNotFound: no name server knows the topic.
            RemotingError: no name server answered.
        """
        check_topic(topic)
        info = await self._sender.publish_info(topic, self.config.send_msg_timeout)
        return list(info.queues)

    def _check_open(self) -> None:
        if not self._open:
            raise UsageError("The producer service state not OK, use it inside `async with`")
