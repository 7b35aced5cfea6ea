"""Consuming messages as they come (Java ``DefaultMQPushConsumer``). Shell on trio.

::

    async with PushConsumer("group", namesrv_addr="127.0.0.1:9876") as consumer:
        consumer.subscribe("topic", "tagA || tagB", listener)
        await trio.sleep_forever()

The group's members divide the queues of a topic among themselves, Java and Python ones alike. Each
queue is read by a task of its own; listeners run up to consumeThreadMax at a time. A message whose
listener fails comes again later, at another member perhaps, up to maxReconsumeTimes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

import trio

from rmqwire import clock
from rmqwire.client.config import make_config
from rmqwire.client.instance import ClientInstance
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.message_const import (
    DEFAULT_CONSUMER_GROUP,
    MASTER_ID,
    RETRY_GROUP_TOPIC_PREFIX,
    retry_topic,
)
from rmqwire.consumer.allocate import allocate_averagely
from rmqwire.consumer.concurrently import ConsumeService
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.message_ext import MessageExt
from rmqwire.consumer.offset_store import RemoteBrokerOffsetStore
from rmqwire.consumer.process_queue import ProcessQueue
from rmqwire.consumer.queue_reader import QueueReader
from rmqwire.consumer.rebalance import Changes, changes, not_subscribed
from rmqwire.consumer.running_info import running_info
from rmqwire.consumer.starting_offset import starting_offset
from rmqwire.consumer.stats import ConsumerStats
from rmqwire.consumer.subscription import SUB_ALL, TAG, subscription_data
from rmqwire.errors import RmqError, RouteNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random
    from types import TracebackType

    from rmqwire.client.instance import RemotingFactory
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import (
        ConsumeMessageDirectlyResult,
        ConsumerRunningInfo,
        MessageQueue,
        SubscriptionData,
    )
    from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader
    from rmqwire.codec.message import StoredMessage
    from rmqwire.consumer.listener import Listener, ListenerResult

logger = logging.getLogger(__name__)

REBALANCE_INTERVAL_S = 20.0  # rocketmq.client.rebalance.waitInterval
REBALANCE_MIN_INTERVAL_S = 1.0  # rocketmq.client.rebalance.minInterval
FIRST_PERSIST_S = 10.0
CLOSE_LIMIT_S = 3.0  # for the last commits


class PushConsumer:
    """Consume messages for a group; use it as ``async with``.

    Args:
        group: the consumer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        config: settings as keywords, see ``PushConsumerConfig``; at least ``namesrv_addr``, unless
            the environment has NAMESRV_ADDR.
        remoting: opens what carries the requests; None for real connections.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Raises:
        UsageError: a bad group or setting.
    """

    consume_type = "CONSUME_PASSIVELY"

    def __init__(
        self,
        group: str,
        *,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: object,
    ) -> None:
        check_own_group(group, DEFAULT_CONSUMER_GROUP)
        self.group = group
        self.config = make_config(PushConsumerConfig, config)
        self.message_model = str(self.config.message_model)
        self.consume_from_where = str(self.config.consume_from_where)
        self.unit_mode = self.config.unit_mode
        self._wall_ms = wall_ms
        self._start_ms = wall_ms()
        self._instance = ClientInstance(self.config, remoting=remoting, wall_ms=wall_ms, rng=rng)
        self._instance.on_route_changed = lambda _: self.rebalance_soon()
        self._stats = ConsumerStats(wall_ms)
        self._listeners: dict[str, Listener] = {}
        self._subscriptions: dict[str, SubscriptionData] = {}
        self._announced = False
        self._queues: dict[MessageQueue, ProcessQueue] = {}
        self._rebalance_wanted = trio.Event()
        self._rebalancing = trio.Lock()
        self._closing = False
        retry = retry_topic(group)
        self._subscriptions[retry] = subscription_data(retry, SUB_ALL, wall_ms())

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    def subscribe(
        self, topic: str, expression: str, listener: Listener, *, expression_type: str = TAG
    ) -> None:
        """Consume a topic's messages; may be called before and inside ``async with``.

        Args:
            topic: which topic.
            expression: ``*`` for all, or tags joined by ``||``, or an SQL92 condition.
            listener: called with a list of messages; returns a ConsumeStatus, or is an async
                function that does. Raising means RECONSUME_LATER. A plain function must not
                block, unless consume_in_threads is set.
            expression_type: TAG or SQL92.

        Raises:
            UsageError: a bad topic or expression.
        """
        check_topic(topic)
        if not callable(listener):
            raise UsageError(f"the listener {listener!r} can't be called")
        data = subscription_data(topic, expression, self._wall_ms(), expression_type)
        self._subscriptions[topic] = data
        self._listeners[topic] = listener
        self._announced = False
        self.rebalance_soon()

    def unsubscribe(self, topic: str) -> None:
        """Consume a topic no longer."""
        self._subscriptions.pop(topic, None)
        self._listeners.pop(topic, None)
        self._announced = False
        self.rebalance_soon()

    def suspend(self) -> None:
        """Stop pulling; what is here is still consumed."""
        self._reader.suspended = True

    def resume(self) -> None:
        """Pull again."""
        self._reader.suspended = False
        self.rebalance_soon()

    def assigned_queues(self) -> set[MessageQueue]:
        """Return the queues this member reads now."""
        return set(self._queues)

    async def __aenter__(self) -> Self:
        instance = await self._instance.__aenter__()
        self._offsets = RemoteBrokerOffsetStore(self.group, instance.api, self._broker_of)
        self._service = ConsumeService(
            self.group,
            self.config,
            self._listeners,
            self._offsets,
            self,
            self._stats,
            self._wall_ms,
        )
        self._reader = QueueReader(
            self.group,
            self.config,
            instance,
            self._offsets,
            self._subscriptions,
            self._service.submit,
            self._stats,
            trio.sleep,
        )
        instance.consumers[self.group] = self
        instance.spawn(self._persist_offsets)
        instance.spawn(self._clean_expired)
        instance.spawn(self._rebalance_again)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Stop pulling, let listeners finish, commit, leave the group, close the connections."""
        self._closing = True
        try:
            await self._finish_listeners()
            limit = trio.current_time() + CLOSE_LIMIT_S
            with trio.CancelScope(shield=True, deadline=limit):
                await self._offsets.persist_all(self._queues)
                await self._rebalancing.acquire()  # for good: one would join the group again
            await self._instance.unregister(consumer_group=self.group)
        finally:
            swallowed = await self._instance.__aexit__(kind, error, traceback)
        return swallowed

    async def _finish_listeners(self) -> None:
        for process_queue in self._queues.values():
            if process_queue.on_drop is not None:
                process_queue.on_drop()  # ends its reader; the queue itself is still committed
        self._service.stop_taking()
        if not self._service.running:
            return
        idle = trio.Event()
        self._service.on_idle = idle.set
        limit = trio.current_time() + self.config.await_termination_millis_when_shutdown / 1000
        with trio.CancelScope(shield=True, deadline=limit):
            await idle.wait()

    # ---- what the workers need of trio

    def spawn(self, function: Callable[[], Awaitable[object]]) -> None:
        """Run a task beside the caller, until the consumer is closed."""
        self._instance.spawn(function)

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets others run."""
        await trio.sleep(seconds)

    async def call_plain(
        self, listener: Listener, messages: list[MessageExt]
    ) -> ListenerResult | Awaitable[ListenerResult]:
        """Call a listener in a worker thread."""
        return await trio.to_thread.run_sync(listener, messages)

    async def send_back(self, broker_name: str, header: ConsumerSendMsgBackRequestHeader) -> None:
        """Hand a message back to its broker's master.

        Raises:
            RmqError: there is none, or it doesn't take it.
        """
        addr = self._instance.routes.master_addr(broker_name)
        if addr is None:
            raise RouteNotFound(f"Broker[{broker_name}] master node does not exist")
        await self._instance.api.send_back(addr, header)

    # ---- what brokers ask (client/processor.py)

    def subscriptions(self) -> list[SubscriptionData]:
        """Return what the group wants of each topic."""
        return list(self._subscriptions.values())

    def rebalance_soon(self) -> None:
        """Divide the queues again at once."""
        self._rebalance_wanted.set()

    def offsets(self, topic: str) -> dict[MessageQueue, int]:
        """Return the consumed offsets of a topic, of all for ""."""
        return self._offsets.of_topic(topic)

    def running_info(self) -> ConsumerRunningInfo:
        """Return what this consumer is set to and doing."""
        return running_info(
            self.config,
            self.subscriptions(),
            {queue: pq.info(self._offsets.get(queue)) for queue, pq in self._queues.items()},
            self._stats,
            self._start_ms,
        )

    def reset_offsets(self, topic: str, offsets: dict[MessageQueue, int]) -> None:
        """Go on from other offsets: queues are given up, committed there, and taken again."""
        moved = {
            queue: offset
            for queue, offset in offsets.items()
            if queue.topic == topic and queue in self._queues
        }

        async def reset() -> None:
            for queue, offset in moved.items():
                self._queues[queue].clear()
                await self._give_up(queue, offset)
            self.rebalance_soon()

        self._instance.spawn(reset)

    def consume_directly(
        self,
        message: StoredMessage,
        broker_name: str,
        done: Callable[[ConsumeMessageDirectlyResult], None],
    ) -> None:
        """Run the listener on one message and tell how it went."""

        async def run() -> None:
            done(await self._service.consume_directly(MessageExt(message, broker_name)))

        self._instance.spawn(run)

    # ---- rebalance

    async def _rebalance_again(self) -> None:
        while not self._listeners:
            self._rebalance_wanted = trio.Event()
            await self._rebalance_wanted.wait()
        while True:
            started = trio.current_time()
            self._rebalance_wanted = trio.Event()
            async with self._rebalancing:
                balanced = await self._rebalance()
            wait = REBALANCE_INTERVAL_S if balanced else REBALANCE_MIN_INTERVAL_S
            with trio.move_on_at(started + wait):
                await self._rebalance_wanted.wait()
            await trio.sleep_until(started + REBALANCE_MIN_INTERVAL_S)

    async def _rebalance(self) -> bool:
        """Divide the queues of all topics; say whether all went well."""
        await self._announce()
        for queue in not_subscribed(self._queues, self._subscriptions):
            await self._give_up(queue)
        found, balanced = await self._compare()
        for difference in found.values():
            for queue in difference.removed:
                await self._give_up(queue)
        if found:
            await self._announce_versions(found)
        for difference in found.values():
            for queue in difference.added:
                balanced = await self._take_over(queue) and balanced
        return balanced

    async def _compare(self) -> tuple[dict[str, Changes], bool]:
        """Return what has to change, by topic, and whether that could be found out for all topics."""
        found, complete = {}, True
        for topic in list(self._subscriptions):
            assigned = await self._assigned(topic)
            if assigned is None:
                complete = complete and topic.startswith(RETRY_GROUP_TOPIC_PREFIX)
            elif difference := changes(topic, self._queues, assigned):
                found[topic] = difference
        return found, complete

    async def _announce_versions(self, found: dict[str, Changes]) -> None:
        """Tell the brokers new subscription versions before the first pull that says them."""
        for topic, difference in found.items():
            logger.info("group %s, topic %s: %s", self.group, topic, difference)
            if topic in self._subscriptions:
                self._subscriptions[topic].sub_version = self._wall_ms()
        await self._instance.heartbeat()

    async def _announce(self) -> None:
        """Find routes of new topics, and tell the brokers what is subscribed to."""
        instance = self._instance
        for topic in list(self._subscriptions):
            if instance.routes.queues_to_read(topic) is None:
                await instance.update_route(topic)
        if not self._announced:
            self._announced = bool(instance.routes.broker_addrs)
            await instance.heartbeat()

    async def _assigned(self, topic: str) -> list[MessageQueue] | None:
        queues = self._instance.routes.queues_to_read(topic)
        if queues is None:
            return None
        members = await self._instance.consumer_ids(topic, self.group)
        if members is None:
            return None
        return allocate_averagely(self._instance.client_id, queues, members)

    async def _take_over(self, queue: MessageQueue) -> bool:
        self._offsets.remove(queue)
        try:
            offset = await starting_offset(queue, self.config, self._offsets, self._instance)
        except RmqError as error:
            logger.warning("where to start %s: %s", queue, error)
            return False
        if self._closing or queue in self._queues or queue.topic not in self._subscriptions:
            return not self._closing
        process_queue = self._queues[queue] = ProcessQueue(self._wall_ms())
        self._instance.spawn(self._read, queue, process_queue, offset)
        return True

    async def _read(self, queue: MessageQueue, process_queue: ProcessQueue, offset: int) -> None:
        with trio.CancelScope() as scope:
            process_queue.on_drop = scope.cancel
            offset = await self._reader.read(queue, process_queue, offset)
            if offset >= 0:
                process_queue.on_drop = None
                await self._give_up(queue, offset)
                self.rebalance_soon()

    async def _give_up(self, queue: MessageQueue, offset: int | None = None) -> None:
        """Stop reading a queue and commit what is consumed, or ``offset`` instead."""
        process_queue = self._queues.pop(queue, None)
        if process_queue is None:
            return
        process_queue.drop()
        if offset is not None:
            self._offsets.update_and_freeze(queue, offset)
        await self._offsets.persist(queue)
        self._offsets.remove(queue)

    async def _broker_of(self, queue: MessageQueue) -> str:
        """Return where a queue's offsets are kept: its master, any member without one."""
        routes = self._instance.routes
        found = routes.find_in_subscribe(queue.broker_name, MASTER_ID, only_this=False)
        if found is None:
            await self._instance.update_route(queue.topic)
            found = routes.find_in_subscribe(queue.broker_name, MASTER_ID, only_this=False)
        if found is None:
            raise RouteNotFound(f"The broker[{queue.broker_name}] not exist")
        return found.addr

    # ---- from time to time

    async def _persist_offsets(self) -> None:
        await trio.sleep(FIRST_PERSIST_S)
        while True:
            await self._offsets.persist_all(self._queues)
            await trio.sleep(self.config.persist_consumer_offset_interval / 1000)

    async def _clean_expired(self) -> None:
        while True:
            await trio.sleep(self.config.consume_timeout * 60)
            for queue, process_queue in list(self._queues.items()):
                await self._service.clean_expired(process_queue, queue)
