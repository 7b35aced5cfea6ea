"""Asking for messages, which are read ahead (Java ``DefaultLitePullConsumer``). Shell on trio.

::

    async with LitePullConsumer("group", namesrv_addr="127.0.0.1:9876") as consumer:
        consumer.subscribe("topic", "tagA || tagB")
        while True:
            for message in await consumer.poll():
                ...

``subscribe`` divides a topic's queues with the group's other members; ``assign`` reads the queues
that it names, whoever else reads them. Offsets are committed by ``poll`` from time to time, or where
auto_commit is off, by ``commit``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self, TypeAlias

import trio

from rmqwire import clock
from rmqwire.client.client import ClientUse
from rmqwire.client.name_servers import parse_addresses
from rmqwire.client.queue_admin import QueueAdmin
from rmqwire.client.tasks import Tasks
from rmqwire.client.validators import check_own_group, check_topic
from rmqwire.codec.allocation import allocate_averagely
from rmqwire.codec.message_const import DEFAULT_CONSUMER_GROUP
from rmqwire.consumer.group.division import Division
from rmqwire.consumer.group.member import GroupMember
from rmqwire.consumer.group.queue_watch import QueueWatch
from rmqwire.consumer.group.subscription import selected, subscription_data
from rmqwire.consumer.health import consumer_health
from rmqwire.consumer.hooks import ConsumeHooks
from rmqwire.consumer.inner import PullConsumerInner
from rmqwire.consumer.lifetime import Lifetime
from rmqwire.consumer.offsets.choice import choose_offset_store
from rmqwire.consumer.pull_config import LitePullConsumerConfig
from rmqwire.consumer.reading.held_queues import HeldQueues
from rmqwire.consumer.reading.inbox import Inbox, PulledBatch
from rmqwire.consumer.reading.lite_reader import LiteQueueReader
from rmqwire.consumer.state import ConsumerState
from rmqwire.consumer.stats import ConsumerStats
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SUB_ALL
from rmqwire.remoting.channel import trio_ms
from rmqwire.wakeup import Arrivals, Wakeup

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from random import Random
    from types import TracebackType
    from typing import Unpack

    from rmqwire.client.client import Client
    from rmqwire.client.instance import RemotingFactory
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.clock import WallMs
    from rmqwire.codec.allocation import AllocateStrategy
    from rmqwire.codec.bodies import MessageQueue, SubscriptionData
    from rmqwire.consumer.group.member import QueueListener
    from rmqwire.consumer.group.queue_watch import TopicListener
    from rmqwire.consumer.health import ConsumerHealth
    from rmqwire.consumer.hooks import ConsumeHook
    from rmqwire.consumer.offsets.table import OffsetStore
    from rmqwire.consumer.pull_config import LitePullConsumerOptions
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.selector import MessageSelector

    Offsets: TypeAlias = Mapping[MessageQueue, int] | Iterable[MessageQueue]

TAKE_UP_S = 5.0  # how long a queue that was assigned may take until it is read
LOOK_S = 0.02


class LitePullConsumer:
    """Ask for the messages of a group; use it as ``async with``.

    Args:
        group: the consumer group, 1 to 120 of ``%|a-zA-Z0-9_-``.
        client: whose connections to share; None for own ones.
        allocate: how the group divides the queues of a topic; all its members need the same.
        hooks: look at what is consumed.
        offset_store: keeps how far the group has come; None for the brokers, or a file of a broadcasting
            consumer.
        config: settings as keywords, see ``LitePullConsumerConfig``; at least ``namesrv_addr``,
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
        client: Client | None = None,
        allocate: AllocateStrategy = allocate_averagely,
        hooks: Sequence[ConsumeHook] = (),
        offset_store: OffsetStore | None = None,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[LitePullConsumerOptions],
    ) -> None:
        check_own_group(group, DEFAULT_CONSUMER_GROUP)
        use = ClientUse(LitePullConsumerConfig, config, client, remoting, wall_ms, rng)
        self.group = group
        self.config = use.config
        self._instance = instance = use.instance
        self._admin = QueueAdmin(instance)
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
        self._arrivals = Arrivals()
        self._inbox = Inbox[PulledBatch](self._arrivals)
        self._assigned = False
        self._announced: list[SubscriptionData] = []
        self._expressions: dict[str, SubscriptionData] = {}  # of topics whose queues are assigned
        self._queues = HeldQueues(state, LiteQueueReader(state, self._inbox, self._wanted))
        self._division = Division(state, allocate)
        self._member = GroupMember(state, self._queues, self._division)
        self._lifetime = Lifetime(state, self._member, use.opening)
        self._watch = QueueWatch(instance, state.tasks, use.config)
        self._next_commit_ms = 0

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self._instance.client_id

    # --- what to read

    def subscribe(
        self,
        topic: str,
        selector: str | MessageSelector = SUB_ALL,
        *,
        queue_listener: QueueListener | None = None,
    ) -> None:
        """Read this member's share of a topic; may be called before and inside ``async with``.

        Args:
            topic: which topic.
            selector: tags joined by ``||``, ``*`` for all, or ``MessageSelector.by_sql(...)``.
            queue_listener: called with (topic, all its queues, those of this member) when the
                latter have changed.

        Raises:
            UsageError: a bad topic or expression, or queues were assigned before.
        """
        check_topic(topic)
        if self._assigned:
            raise UsageError("Subscribe and assign are mutually exclusive.")
        data = subscription_data(topic, selected(selector), self._instance.wall_ms())
        if queue_listener is not None:
            self._member.listeners[topic] = queue_listener
        self._state.subscribe(data)

    def unsubscribe(self, topic: str) -> None:
        """Read a topic no longer."""
        self._member.listeners.pop(topic, None)
        self._state.unsubscribe(topic)

    def assign(self, queues: Iterable[MessageQueue]) -> None:
        """Read exactly these queues, whatever other members of the group read.

        Raises:
            UsageError: no queues, or a topic was subscribed to before.
        """
        wanted = set(queues)
        if not wanted:
            raise UsageError("Message queues can not be null or empty.")
        self._assign()
        self._division.give(wanted)
        self._queues.to_pause &= wanted
        self._state.rebalance()

    def set_sub_expression_for_assign(self, topic: str, selector: str | MessageSelector) -> None:
        """Want only some messages of a topic whose queues are assigned.

        Raises:
            UsageError: a bad topic or expression, or a topic was subscribed to before.
        """
        check_topic(topic)
        self._assign()
        self._expressions[topic] = subscription_data(topic, selected(selector), 0)

    def build_subscriptions_for_heartbeat(
        self, selectors: Mapping[str, str | MessageSelector]
    ) -> None:
        """Have brokers told what the group wants of topics whose queues are assigned.

        They don't know otherwise; nothing is read because of it.

        Args:
            selectors: what is wanted of each topic, in place of what was said before.

        Raises:
            UsageError: a bad expression.
        """
        now = self._instance.wall_ms()
        self._announced = [
            subscription_data(topic, selected(selector), now)
            for topic, selector in selectors.items()
        ]

    @property
    def subscriptions_for_heartbeat(self) -> list[SubscriptionData]:
        """What brokers are told besides what is subscribed to."""
        return list(self._announced)

    def _assign(self) -> None:
        if self._state.subscriptions:
            raise UsageError("Subscribe and assign are mutually exclusive.")
        self._assigned = True

    def _wanted(self, topic: str) -> SubscriptionData | None:
        if not self._assigned:
            return self._state.subscriptions.get(topic)
        return self._expressions.get(topic) or subscription_data(topic, selected(SUB_ALL), 0)

    def assignment(self) -> set[MessageQueue]:
        """Return the queues that this member reads now."""
        return set(self._queues.held)

    def pause(self, queues: Iterable[MessageQueue]) -> None:
        """Read no more of these queues; what is here of them is still given out."""
        self._set_paused(queues, paused=True)

    def resume(self, queues: Iterable[MessageQueue]) -> None:
        """Read them again."""
        self._set_paused(queues, paused=False)

    def _set_paused(self, queues: Iterable[MessageQueue], *, paused: bool) -> None:
        for queue in queues:
            if queue in self._queues:
                self._queues[queue].paused = paused
            elif paused and self._division.gives(queue):  # assigned just now
                self._queues.to_pause.add(queue)
            else:
                self._queues.to_pause.discard(queue)

    # --- messages

    async def poll(self, timeout_ms: int | None = None) -> list[MessageExt]:
        """Return the messages of one pull, none if none came in time.

        Where auto_commit is set, the messages of the polls before count as consumed now.

        Args:
            timeout_ms: how long to wait; None for pollTimeoutMillis.

        Raises:
            UsageError: outside of ``async with``, or a negative time.
        """
        self._check_open()
        if timeout_ms is None:
            timeout_ms = self.config.poll_timeout_millis
        if timeout_ms < 0:
            raise UsageError("Timeout must not be negative")
        await trio.lowlevel.checkpoint()
        batch = await self._next_batch(timeout_ms)
        return [] if batch is None else self._give(batch, batch.messages)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MessageExt:
        """Return the next message, however long it takes; it counts as consumed with the one after it.

        It waits only when none is here.
        """
        self._check_open()
        while (batch := await self._next_batch(self.config.poll_timeout_millis)) is None:
            pass
        rest = PulledBatch(batch.messages[1:], batch.process_queue, batch.queue)
        if rest.messages:
            self._inbox.put_back(rest)
        return self._give(batch, batch.messages[:1])[0]

    async def _next_batch(self, timeout_ms: int) -> PulledBatch | None:
        if self.config.auto_commit and trio_ms() >= self._next_commit_ms:
            self.commit()
            self._next_commit_ms = trio_ms() + self.config.auto_commit_interval_millis
        batch = self._inbox.take()
        deadline = trio.current_time() + timeout_ms / 1000
        while batch is None:
            if not await self._arrivals.wait(deadline - trio.current_time()):
                return None
            batch = self._inbox.take()
        return batch

    def _give(self, batch: PulledBatch, messages: list[MessageExt]) -> list[MessageExt]:
        held = batch.process_queue
        self._state.hooks.given(messages, batch.queue)
        held.polled_to = held.remove(messages, self._instance.wall_ms())
        return messages

    # --- how far

    def commit(self, offsets: Offsets | None = None) -> None:
        """Take messages for consumed; brokers hear of it within persistConsumerOffsetInterval.

        Args:
            offsets: offset of the first message not consumed, by queue; queues alone for what ``poll`` has
                given of them; None for that of all queues. Queues that this member doesn't read are left
                out.
        """
        for queue, offset in self._to_commit(offsets).items():
            self._state.offsets.update(queue, offset)

    async def commit_sync(self, offsets: Offsets | None = None) -> None:
        """Take messages for consumed, and wait until it is stored.

        Args:
            offsets: as for ``commit``.

        Raises:
            RmqError: a broker didn't take it, or a file can't be written.
        """
        self._check_open()
        for queue, offset in self._to_commit(offsets).items():
            self._state.offsets.update(queue, offset)
            await self._state.offsets.store(queue, offset)

    def _to_commit(self, offsets: Offsets | None) -> dict[MessageQueue, int]:
        queues = self._queues
        if not isinstance(offsets, Mapping):
            wanted = queues if offsets is None else set(offsets)
            offsets = {queue: held.polled_to for queue, held in queues.items() if queue in wanted}
        return {queue: at for queue, at in offsets.items() if at >= 0 and queue in queues}

    async def committed(self, queue: MessageQueue) -> int:
        """Return the committed offset of a queue, -1 without one.

        Raises:
            RmqError: the broker didn't say.
        """
        self._check_open()
        offset = self._state.offsets.get(queue)
        return offset if offset >= 0 else await self._state.offsets.read_from_store(queue)

    async def seek(self, queue: MessageQueue, offset: int) -> None:
        """Go on from another offset of a queue that this member reads.

        Raises:
            UsageError: it doesn't read it (yet), or the offset is out of the queue's range.
            RmqError: the broker didn't tell the range.
        """
        await self._taken_up(queue)
        low, high = await self._admin.min_offset(queue), await self._admin.max_offset(queue)
        if not low <= offset <= high:
            raise UsageError(
                f"Seek offset illegal, seek offset = {offset}, min offset = {low}, "
                f"max offset = {high}"
            )
        self._move(queue, offset)

    async def seek_to_begin(self, queue: MessageQueue) -> None:
        """Go on from the oldest message of a queue; raises as ``seek`` does."""
        await self._taken_up(queue)
        self._move(queue, await self._admin.min_offset(queue))

    async def seek_to_end(self, queue: MessageQueue) -> None:
        """Go on behind the newest message of a queue; raises as ``seek`` does."""
        await self._taken_up(queue)
        self._move(queue, await self._admin.max_offset(queue))

    async def _taken_up(self, queue: MessageQueue) -> None:
        """Wait for a queue that was assigned just now; raises as ``seek`` does."""
        self._check_open()
        with trio.move_on_after(TAKE_UP_S):
            while queue not in self._queues and self._division.gives(queue):  # noqa: ASYNC110  see there
                await trio.sleep(LOOK_S)
        self._held(queue)

    def _move(self, queue: MessageQueue, offset: int) -> None:
        self._held(queue)  # it may have been given up meanwhile
        self._inbox.forget(queue)
        self._queues.move(queue, offset)

    def _held(self, queue: MessageQueue) -> ProcessQueue:
        self._check_open()
        if queue not in self._queues:
            why = "" if self._assigned else "may be rebalancing, "
            raise UsageError(f"The message queue is not in assigned list, {why}{queue}")
        return self._queues[queue]

    async def offset_for_timestamp(self, queue: MessageQueue, timestamp: int) -> int:
        """Return the index of the first message stored at ``timestamp`` (ms) or later.

        Raises:
            RmqError: the broker didn't say.
        """
        self._check_open()
        return await self._admin.search_offset(queue, timestamp)

    # --- topics

    def update_name_server_address(self, namesrv_addr: str) -> None:
        """Ask other name servers from now on; who shares the client does so too.

        Args:
            namesrv_addr: ``host:port`` of each, joined by ``;``.

        Raises:
            UsageError: there is none, or one is no ``host:port``.
        """
        addresses = parse_addresses(namesrv_addr)
        if not addresses:
            raise UsageError("No name server address, please set it.")
        self._instance.name_servers.take(addresses)

    async def fetch_message_queues(self, topic: str) -> set[MessageQueue]:
        """Return the queues of a topic that can be read.

        Raises:
            RouteNotFound: no name server knows the topic, or it has none.
            RemotingError: no name server answered.
        """
        self._check_open()
        return await self._instance.queues_to_read(topic)

    async def register_topic_message_queue_change_listener(
        self, topic: str, listener: TopicListener
    ) -> None:
        """Have ``listener`` called with (topic, its queues) when they have changed.

        They are looked at every topicMetadataCheckIntervalMillis.

        Raises:
            RmqError: no name server tells the topic's queues now.
        """
        self._check_open()
        await self._watch.add(topic, listener)

    @property
    def health(self) -> ConsumerHealth:
        """How it is: last heartbeats, last pulls, the last refusal, why nothing of a topic comes."""
        return consumer_health(self._state, self._queues)

    # --- life

    def _check_open(self) -> None:
        if not self._lifetime.open:
            raise UsageError("The consumer not running, use it inside `async with`")

    def _told(self) -> list[SubscriptionData]:
        return [*self._state.subscriptions.values(), *self._announced]

    def _topics(self) -> Collection[str]:
        return {*self._division.topics, *self._watch.topics}

    async def __aenter__(self) -> Self:
        inner = PullConsumerInner(self._state, self._queues, self._topics, self._told)
        await self._lifetime.begin(inner)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Commit, leave the group, close the connections.

        Where auto_commit is set and no exception is on its way, all that was polled is consumed.
        """
        if self.config.auto_commit and kind is None:
            self.commit()
        return await self._lifetime.end(self._finish, kind, error, traceback)

    async def _finish(self) -> None:
        self._queues.stop_reading()
