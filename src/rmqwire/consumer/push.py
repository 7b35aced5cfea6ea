"""Consuming messages as they come (Java ``DefaultMQPushConsumer``). Shell on trio.

::

    async with PushConsumer("group", namesrv_addr="127.0.0.1:9876") as consumer:
        consumer.subscribe("topic", "tagA || tagB", listener)
        await trio.sleep_forever()

The group's members divide the queues of a topic among themselves, Java and Python ones alike, or let
the brokers do it, and pop where those say so (``client_rebalance``). Each
queue is read by a task of its own; listeners run up to consumeThreadMax at a time. A message whose
listener fails comes again later, at another member perhaps, up to maxReconsumeTimes; where
consume_orderly is set, it holds its queue up until it is consumed.

This is what a user holds. Behind it: ``group`` divides the queues, ``reading`` reads them,
``working`` runs the listeners, ``offsets`` says how far all is done, ``inner`` answers brokers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import trio

from rmqwire import clock
from rmqwire.client.client import ClientUse
from rmqwire.client.mq_admin import MQAdmin
from rmqwire.client.tasks import Tasks
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.allocation import allocate_averagely
from rmqwire.codec.message_const import DEFAULT_CONSUMER_GROUP, retry_topic
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.deliveries import Batches, Deliveries
from rmqwire.consumer.group.division import Division, broker_strategy
from rmqwire.consumer.group.member import GroupMember
from rmqwire.consumer.group.subscription import selected, subscription_data
from rmqwire.consumer.health import consumer_health
from rmqwire.consumer.hooks import ConsumeHooks
from rmqwire.consumer.inner import PushConsumerInner
from rmqwire.consumer.lifetime import Lifetime
from rmqwire.consumer.offsets.choice import choose_offset_store
from rmqwire.consumer.state import ConsumerState
from rmqwire.consumer.stats import ConsumerStats
from rmqwire.consumer.working.listener_call import ListenerCall
from rmqwire.consumer.working.parts import push_parts
from rmqwire.consumer.working.send_back import SendBack
from rmqwire.consumer.working.stream import DeliveryStream
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SUB_ALL
from rmqwire.remoting.channel import trio_ms
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from random import Random
    from types import TracebackType
    from typing import TypeVar, Unpack

    from rmqwire.client.client import Client
    from rmqwire.client.instance import RemotingFactory
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import WallMs
    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.config import PushConsumerOptions
    from rmqwire.consumer.dedupe import Dedupe
    from rmqwire.consumer.delivery import Delivery, DeliveryBatch
    from rmqwire.consumer.group.member import QueueListener
    from rmqwire.consumer.health import ConsumerHealth
    from rmqwire.consumer.hooks import ConsumeHook
    from rmqwire.consumer.listener import Listener
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.selector import MessageSelector

    L = TypeVar("L", bound=Listener)


class PushConsumer(MQAdmin):
    """Consume messages for a group; use it as ``async with``.

    Args:
        group: the consumer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        allocate: how the group divides the queues of a topic; all its members need the same.
        hooks: look at what is consumed.
        dedupe: leaves out what was consumed before, see ``MemoryDedupe`` and ``SqliteDedupe``.
        message_queue_listener: called with (topic, all its queues, those of this member) when the
            latter have changed; of the group's retry topic too.
        offset_store: keeps how far the group has come; None for the brokers, or a file of a broadcasting
            consumer.
        config: settings as keywords, see ``PushConsumerConfig``; at least ``namesrv_addr``, unless
            the environment has NAMESRV_ADDR or there is a ``client``.
        remoting: opens what carries the requests; None for real connections.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Raises:
        UsageError: a bad group or setting, or brokers are to divide the queues in a way that they
            don't know.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that leaves it
        self,
        group: str,
        *,
        client: Client | None = None,
        allocate: AllocateStrategy = allocate_averagely,
        hooks: Sequence[ConsumeHook] = (),
        offset_store: OffsetStore | None = None,
        dedupe: Dedupe | None = None,
        message_queue_listener: QueueListener | None = None,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[PushConsumerOptions],
    ) -> None:
        check_own_group(group, DEFAULT_CONSUMER_GROUP)
        use = ClientUse(PushConsumerConfig, config, client, remoting, wall_ms, rng)
        self.group = group
        self.config = use.config
        self._instance = instance = use.instance
        self._listeners: dict[str, ListenerCall[Any]] = {}
        self._state = state = ConsumerState(
            group,
            use.config,
            instance,
            choose_offset_store(offset_store, group, use.config, instance),
            ConsumerStats(instance.wall_ms),
            Tasks(),
            Wakeup(),
            ConsumeHooks(group, hooks, instance.wall_ms),
        )
        self._stream = DeliveryStream(instance.wall_ms)
        self._parts = push_parts(state, self._listeners, self._stream, dedupe)
        self._queues = self._parts.queues
        popping = self._parts.popping
        self._popped = None if popping is None else popping.queues
        asked = None if popping is None else broker_strategy(allocate)
        member = GroupMember(
            state,
            self._queues,
            Division(state, allocate, asked),
            self._popped,
            message_queue_listener,
        )
        self._lifetime = Lifetime(state, member, use.opening)
        if not use.config.broadcasting:
            retry = subscription_data(retry_topic(group), selected(SUB_ALL), instance.wall_ms())
            state.subscribe(retry)

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    def subscribe(
        self,
        topic: str,
        selector: str | MessageSelector = SUB_ALL,
        listener: Listener | None = None,
    ) -> None:
        """Consume a topic's messages; may be called before and inside ``async with``.

        Entering ``async with`` asks a broker of each topic whether the conditions can be used
        there. One that comes later isn't asked about: ``health`` says what brokers refuse.

        Args:
            topic: which topic.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.
            listener: called with a list of messages, and with a ConsumeConcurrentlyContext if it
                takes two arguments; returns a ConsumeStatus, or is an async function that does.
                Raising means RECONSUME_LATER. Where consume_orderly is set it is a
                ConsumeOrderlyContext and a ConsumeOrderlyStatus, and raising means
                SUSPEND_CURRENT_QUEUE_A_MOMENT. A plain function must not block, unless
                consume_in_threads is set. None leaves the messages to ``async for``.

        Raises:
            UsageError: a bad topic or expression.
        """
        check_topic(topic)
        call = None if listener is None else self._call(listener)
        data = subscription_data(topic, selected(selector), self._instance.wall_ms())
        if call is None:
            self._listeners.pop(topic, None)
            self._stream.topics.add(topic)
        else:
            self._stream.topics.discard(topic)
            self._listeners[topic] = call
        self._state.subscribe(data)

    def _call(self, listener: Listener) -> ListenerCall[Any]:
        tasks = self._state.tasks if self.config.consume_in_threads else None
        return ListenerCall(listener, self._parts.status, self.group, tasks)

    def on(self, topic: str, selector: str | MessageSelector = SUB_ALL) -> Callable[[L], L]:
        """Return a decorator that makes a function the topic's listener, as ``subscribe`` does."""

        def decorate(listener: L) -> L:
            self.subscribe(topic, selector, listener)
            return listener

        return decorate

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Iterate over the messages of topics without a listener, until the consumer is closed.

        ::

            async for delivery in consumer:
                async with delivery:
                    ...

        Any number of tasks may do so; each message comes to one of them. A message that nobody
        settles isn't committed. There is no wait between two messages of one pull.
        """
        return Deliveries(self._stream)

    def batches(
        self, max_messages: int = 32, max_wait_ms: int = 1_000
    ) -> AsyncIterator[DeliveryBatch]:
        """Iterate over the same messages together.

        Args:
            max_messages: of a batch.
            max_wait_ms: ms that a batch with at least one message waits for more.

        Raises:
            UsageError: less than one message.
        """
        if max_messages < 1:
            raise UsageError("max_messages < 1")
        return Batches(self._stream, max_messages, max_wait_ms, trio_ms)

    def unsubscribe(self, topic: str) -> None:
        """Consume a topic no longer."""
        self._listeners.pop(topic, None)
        self._stream.topics.discard(topic)
        self._state.unsubscribe(topic)

    def suspend(self) -> None:
        """Stop pulling and popping; what is here is still consumed."""
        self._parts.suspend(True)

    def resume(self) -> None:
        """Pull and pop again."""
        self._parts.suspend(False)
        self._state.rebalance()

    @property
    def is_pause(self) -> bool:
        """Whether it is suspended."""
        return self._parts.reader.suspended

    @property
    def health(self) -> ConsumerHealth:
        """How it is: last heartbeats, last pulls, the last refusal, why nothing of a topic comes."""
        return consumer_health(self._state, self._queues, self._popped)

    async def fetch_subscribe_message_queues(self, topic: str) -> set[MessageQueue]:
        """Return the queues of a topic that can be read, whoever reads them.

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
        """
        self._check_open()
        return await self._instance.queues_to_read(topic)

    async def send_message_back(
        self, message: MessageExt, delay_level: int = 0, *, broker_name: str | None = None
    ) -> None:
        """Have a message delivered again later, whatever its listener says of it now.

        Args:
            message: what is to come again.
            delay_level: when; 0 leaves that to the broker, -1 is the dead letters at once.
            broker_name: which broker is to do it; None for the one that it is from.

        Raises:
            RmqError: no broker took it.
        """
        self._check_open()
        await SendBack(self._state).give(message, delay_level, broker_name)

    def assigned_queues(self) -> set[MessageQueue]:
        """Return the queues this member reads now; number -1 is all of a broker, popped from."""
        return {*self._queues.held, *(self._popped or ())}

    def _check_open(self) -> None:
        if not self._lifetime.open:
            raise UsageError("The consumer is not in running status, use it inside `async with`")

    async def __aenter__(self) -> Self:
        inner = PushConsumerInner(self._state, self._queues, self._popped, self._parts.work)
        await self._lifetime.begin(inner, partial(self._parts.work.watch, self._queues))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Stop pulling, let listeners finish, commit, leave the group, close the connections."""
        return await self._lifetime.end(self._finish, kind, error, traceback)

    async def _finish(self) -> None:
        self._parts.stop_reading()
        self._stream.close()
        limit = self.config.await_termination_millis_when_shutdown / 1000
        with trio.CancelScope(shield=True, deadline=trio.current_time() + limit):
            await self._parts.finish()
