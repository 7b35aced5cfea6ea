"""Everything that one broker keeps about popped messages, and what is done about it in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.pop.offsets import PopOffsets, QueueKey
from rmqwire.broker.pop.polling import ALL_QUEUES, PopLongPolling
from rmqwire.broker.pop.revive import PopRevive, Reviving

if TYPE_CHECKING:
    from rmqwire.broker.pop.inflight import PopInflight
    from rmqwire.broker.pop.order_info import ConsumerOrderInfoManager
    from rmqwire.broker.pop.polling import PollingKey
    from rmqwire.broker.pop.retry_copy import RetryCopies
    from rmqwire.broker.pop.revive_log import ReviveLog
    from rmqwire.clock import MonoMs
    from rmqwire.remoting.handler import Peer

FORGET_EVERY = 60  # checks between two cleanings: 5 minutes


class PopState:
    """The pops of one broker.

    Args:
        reviving: what brings messages back, and what it works with.
        order: blocks of orderly pops.
        mono_ms: clock of waits.

    Attributes:
        offsets: how far groups have popped.
        inflight: how many messages they hold.
        polling: pops that wait.
        notifications: notifications that wait.
        revives: one for each queue of the revive log; none on a slave.
    """

    def __init__(
        self, reviving: Reviving, order: ConsumerOrderInfoManager, mono_ms: MonoMs
    ) -> None:
        config = reviving.config
        self._reviving = reviving
        self._mono_ms = mono_ms
        self.order = order
        self.log: ReviveLog = reviving.log
        self.copies: RetryCopies = reviving.copies
        self.inflight: PopInflight = reviving.inflight
        self.offsets = PopOffsets(self._commit)
        self.polling = PopLongPolling(config, reviving.wall_ms, mono_ms)
        self.notifications = PopLongPolling(config, reviving.wall_ms, mono_ms, newest_first=True)
        self.revives: list[PopRevive] = []
        self._checks = 0

    def _commit(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        self._reviving.offsets.commit("PopBufferMergeService", group, topic, queue_id, offset)

    # --- bringing back, a master's

    def revive_queues(self) -> int:
        """Return how many queues the revive log has: those of a larger reviveQueueNum count on."""
        used = self._reviving.store.queue_ids(self.log.topic)
        return max(self._reviving.config.revive_queue_num, 1 + max(used, default=-1))

    def start_revive(self) -> None:
        """Be a master: begin where the group of the revive log has come to."""
        self.revives = [PopRevive(self._reviving, i) for i in range(self.revive_queues())]

    def stop_revive(self) -> None:
        """Be a master no longer."""
        self.revives = []

    def revive(self) -> bool:
        """Bring back what is due; the caller ends the pass.

        Returns:
            Whether there is more to be done at once.
        """
        more = [service.step() for service in self.revives]
        return any(more)

    # --- what connections and the store tell

    def arrived(self, topic: str, queue_id: int, tags_code: int) -> None:
        """Hear of a message that can be read now."""
        self.polling.arrived(topic, queue_id, tags_code)
        self.notifications.arrived(topic, queue_id, tags_code)

    def connection_closed(self, connection: Peer) -> None:
        """Forget the requests of a connection that closed."""
        self.polling.connection_closed(connection)
        self.notifications.connection_closed(connection)

    # --- time

    def tick(self) -> None:
        """Answer requests whose time is up, wake pops of blocks that are free again."""
        now = self._mono_ms()
        self.polling.expire(now)
        self.notifications.expire(now)
        for topic, group, queue_id in self.order.take_free():
            if self._reviving.config.enable_notify_after_pop_order_lock_release:
                self.notify_if_needed(QueueKey(topic, group, queue_id))
        self.commit()

    @property
    def at_rest(self) -> bool:
        """Return whether ``tick`` has nothing to do before the next request."""
        waiting = self.polling.waiting or self.notifications.waiting or len(self.offsets)
        return not waiting and self.order.at_rest

    def commit(self) -> None:
        """Note how far groups have come, as far as the disk has it."""
        self.offsets.commit(self._reviving.store.log.flushed)
        for service in self.revives:
            service.commit()

    def check(self) -> None:
        """Wake who waits for a queue that has something, in case an arrival was missed."""
        for table in (self.polling, self.notifications):
            for key in table.keys():  # noqa: SIM118  not a dict
                self._check(key)
        self._checks += 1
        if self._checks % FORGET_EVERY == 0:
            topics, groups = self._reviving.topics, self._reviving.groups
            for table in (self.polling, self.notifications):
                table.forget(lambda name: topics.select(name) is not None, groups.contains)

    def _check(self, key: PollingKey) -> None:
        topic = self._reviving.topics.select(key.topic)
        if topic is None:
            return
        queues = range(topic.read_queue_nums) if key.queue_id == ALL_QUEUES else (key.queue_id,)
        for queue_id in queues:
            if self.notify_if_needed(QueueKey(key.topic, key.group, queue_id)):
                return

    def notify_if_needed(self, key: QueueKey) -> bool:
        """Wake a pop and a notification if the queue has something (``notifyLongPollingRequestIfNeed``)."""
        topic, group, queue_id = key
        offset = max(self.offsets.latest(key), self._reviving.offsets.query(group, topic, queue_id))
        if self._reviving.store.max_offset(topic, queue_id) <= max(offset, 0):
            return False
        if not self.polling.notify(topic, group, ALL_QUEUES, None):
            self.polling.notify(topic, group, queue_id, None)
        self.notifications.notify(topic, group, ALL_QUEUES, None)
        self.notifications.notify(topic, group, queue_id, None)
        return True

    def stop(self) -> None:
        """Answer everybody who waits."""
        self.polling.stop()
        self.notifications.stop()
