"""Consuming lite topics as their messages come (``LitePushConsumer`` of Apache's gRPC client).

::

    async with LitePushConsumer("group", "topic", listener, namesrv_addr="127.0.0.1:9876") as consumer:
        await consumer.subscribe_lite("customer-7")
        await trio.sleep_forever()

For brokers of 5.5 and later. Each client subscribes the lite topics that it wants; a message goes to one
subscriber of each group. Brokers say whose turn it is, so members divide nothing among themselves.

This is what a user holds. Behind it: ``group`` tells brokers what is subscribed, ``reading`` pops,
``working`` runs the listener.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import trio

from rmqwire import clock
from rmqwire.client.client import ClientUse
from rmqwire.client.tasks import Tasks
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.lite_topic import name_fault
from rmqwire.codec.message_const import DEFAULT_CONSUMER_GROUP
from rmqwire.consumer.group.balanced_queues import BalancedQueues
from rmqwire.consumer.group.lite_division import LiteDivision
from rmqwire.consumer.group.lite_subscriptions import LiteSubscriptions
from rmqwire.consumer.group.member import GroupMember
from rmqwire.consumer.group.subscription import selected, subscription_data
from rmqwire.consumer.health import consumer_health
from rmqwire.consumer.hooks import ConsumeHooks
from rmqwire.consumer.inner import LitePushConsumerInner
from rmqwire.consumer.lifetime import Lifetime
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.lite_push_config import LitePushConsumerConfig
from rmqwire.consumer.offsets.remote import RemoteBrokerOffsetStore
from rmqwire.consumer.reading.lite_pop_reader import LitePopReader
from rmqwire.consumer.reading.popped_queues import PoppedQueues
from rmqwire.consumer.state import ConsumerState
from rmqwire.consumer.stats import ConsumerStats
from rmqwire.consumer.working.calls import ConcurrentCalls
from rmqwire.consumer.working.listener_call import ListenerCall
from rmqwire.consumer.working.lite import LiteService
from rmqwire.consumer.working.lite_acks import LiteAcks
from rmqwire.consumer.working.pool import WorkerPool
from rmqwire.consumer.working.window import Window
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SUB_ALL
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random
    from types import TracebackType
    from typing import Unpack

    from rmqwire.client.instance import RemotingFactory
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import OffsetOption
    from rmqwire.consumer.dedupe import Dedupe
    from rmqwire.consumer.health import ConsumerHealth
    from rmqwire.consumer.hooks import ConsumeHook
    from rmqwire.consumer.listener import ConcurrentListener
    from rmqwire.consumer.lite_push_config import LitePushConsumerOptions


class LitePushConsumer:
    """Consume lite topics for a group; use it as ``async with``.

    It has a client of its own: brokers keep by client what is subscribed.

    Args:
        group: the consumer group, whose attribute ``lite.bind.topic`` is the topic.
        topic: the parent topic, of the type LITE.
        listener: called with a list of messages of one lite topic, in order, and with a
            ConsumeConcurrentlyContext if it takes two arguments; returns a ConsumeStatus, or is an
            async function that does. Raising means RECONSUME_LATER: the lite topic stands still for
            suspendLiteTopicTimeMillis, then they come again with those behind them. A plain function
            must not block, unless consume_in_threads is set.
        hooks: look at what is consumed.
        dedupe: leaves out what was consumed before, see ``MemoryDedupe`` and ``SqliteDedupe``.
        config: settings as keywords, see ``LitePushConsumerConfig``; at least ``namesrv_addr``, unless
            the environment has NAMESRV_ADDR.
        remoting: opens what carries the requests; None for real connections.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Raises:
        UsageError: a bad group, topic, listener or setting.
    """

    def __init__(
        self,
        group: str,
        topic: str,
        listener: ConcurrentListener,
        *,
        hooks: Sequence[ConsumeHook] = (),
        dedupe: Dedupe | None = None,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[LitePushConsumerOptions],
    ) -> None:
        check_own_group(group, DEFAULT_CONSUMER_GROUP)
        check_topic(topic)
        use = ClientUse(LitePushConsumerConfig, config, None, remoting, wall_ms, rng)
        self.group = group
        self.topic = topic
        self.config = use.config
        self._instance = instance = use.instance
        self._state = state = ConsumerState(
            group,
            use.config,
            instance,
            RemoteBrokerOffsetStore(group, instance),
            ConsumerStats(instance.wall_ms),
            Tasks(),
            Wakeup(),
            ConsumeHooks(group, hooks, instance.wall_ms),
        )
        in_threads = state.tasks if use.config.consume_in_threads else None
        call = ListenerCall(listener, ConsumeStatus, group, in_threads)
        calls = ConcurrentCalls(state, {topic: call}, Window(group, dedupe))
        self._pool = WorkerPool(state.tasks, use.config.consume_thread_max)
        self._acks = LiteAcks(state)
        self._work = LiteService(state, calls, self._pool, self._acks)
        self._reader = LitePopReader(state, self._work.submit)
        self._popped = PoppedQueues(state, self._reader)
        self._subscriptions = LiteSubscriptions(state, topic)
        division = LiteDivision(state, topic)
        pulled = BalancedQueues(state.offsets)  # none
        member = GroupMember(state, pulled, division, self._popped)
        self._lifetime = Lifetime(state, member, use.opening)
        state.subscribe(subscription_data(topic, selected(SUB_ALL), instance.wall_ms()))

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    @property
    def lite_topics(self) -> set[str]:
        """The lite topics that are subscribed; without those that another client has taken since.

        Empty in a group that has all of them (``lite.sub.wildcard``).
        """
        return set(self._subscriptions.names)

    async def subscribe_lite(self, lite_topic: str, at: OffsetOption | None = None) -> None:
        """Consume a lite topic's messages.

        Of an exclusive group (``lite.sub.model=Exclusive``) it takes the lite topic from the client
        that has it, whose ``lite_topics`` loses it. A group with ``lite.sub.wildcard=true`` has all of
        them, and subscribes none.

        Args:
            lite_topic: its name.
            at: where the group goes on in it, ``OffsetOption.min_offset()`` or the like; None: where it
                is, or at the first message.

        Raises:
            UsageError: no lite topic can have that name, or the consumer isn't open.
            LiteSubscriptionQuotaExceeded: a broker has as many subscriptions as it allows.
            RmqError: a broker refused for another reason, or can't be reached: it isn't subscribed.
        """
        self._check_open()
        fault = name_fault(self.topic, lite_topic) if lite_topic else "a lite topic has a name"
        if fault is not None:
            raise UsageError(fault)
        await self._subscriptions.add(lite_topic, at)

    async def unsubscribe_lite(self, lite_topic: str) -> None:
        """Consume a lite topic no longer; what is here of it is still consumed.

        Raises:
            UsageError: the consumer isn't open.
            RmqError: a broker can't be reached: it is told with the next round.
        """
        self._check_open()
        await self._subscriptions.remove(lite_topic)

    def suspend(self) -> None:
        """Stop popping; what is here is still consumed."""
        self._reader.suspended = True

    def resume(self) -> None:
        """Pop again."""
        self._reader.suspended = False

    @property
    def health(self) -> ConsumerHealth:
        """How it is: last heartbeats, last pops, the last refusal, why nothing comes."""
        return consumer_health(self._state, None, self._popped)

    def _check_open(self) -> None:
        if not self._lifetime.open:
            raise UsageError("The consumer is not in running status, use it inside `async with`")

    async def __aenter__(self) -> Self:
        inner = LitePushConsumerInner(self._state, self._subscriptions, self._popped, self._work)
        await self._lifetime.begin(inner, self._subscriptions.rounds)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Stop popping, let listeners finish, acknowledge, leave the group, close the connections."""
        return await self._lifetime.end(self._finish, kind, error, traceback)

    async def _finish(self) -> None:
        self._popped.stop_reading()
        limit = self.config.await_termination_millis_when_shutdown / 1000
        with trio.CancelScope(shield=True, deadline=trio.current_time() + limit):
            await self._pool.finish()
            await self._acks.finish()
