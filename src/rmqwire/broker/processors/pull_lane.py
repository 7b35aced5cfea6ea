"""Plain pulls by a lane: all of a pass in one call, from their frames to their answers.

A pull is plain when its header says nothing unusual and the queue has something for it at once. What its
group may do is asked once in a call for each kind of pull, so nothing that was true in an earlier pass
counts. Whatever else it is, nothing has been done and counted then, and the handler answers the whole
request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rmqwire.broker.processors.plain_pulls import FIELDS, SAY_NOTHING, PlainPulls
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import LANGUAGE_CODES
from rmqwire.codec.command import FRAME_MAX_LENGTH
from rmqwire.codec.consume_queue import UNIT
from rmqwire.codec.headers import PullMessageRequestHeader
from rmqwire.codec.native import is_native
from rmqwire.errors import ProtocolError
from rmqwire.filter.message_filter import TagFilter
from rmqwire.remoting.handler import Reject
from rmqwire.store.log.commit_log import MERGE_GAP
from rmqwire.store.log.log_window import BLOCK
from rmqwire.store.queues.consume_queue import ConsumeQueue
from rmqwire.store.reading.pull import MAX_PULL_MSG_SIZE, Bounds, Pull, get_message, plain_pull
from rmqwire.store.results import GetStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rmqwire.broker.processors.plain_pulls import Found
    from rmqwire.broker.processors.pull_checks import PullChecks
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.pull_answer import PullAnswers
    from rmqwire.remoting.handler import Peer

    Here = tuple[int, int, int, int, int, tuple[int, int], tuple[int, int], int]
    TakePulls = Callable[
        [Sequence[tuple[bytes, int, int, int]], "Here"],
        tuple[list[tuple[int, int, bytes]], list["Got"]],
    ]
    Input = tuple[Peer, bytes, int, int]
    # plan, number of the connection, queue id, messages, bytes, next offset, what was committed
    Got = tuple["PullPlan", int, int, int, int, int, int | None]


class PullSettings(msgspec.Struct):
    """What ``rmqwire_speedups.Pulls`` reads once."""

    codes: Sequence[int]
    names: list[str]
    languages: list[str]
    max_frame: int
    block: int
    segment: int
    gap: int
    answer_json: str
    answer_json_order: list[int]
    answer_fields: list[tuple[str, int]]
    answer_language: int
    answer_version: int


class PullPlan(NamedTuple):
    """What pulls of one kind have in common: whose they are, and the queues of their topic."""

    group: str
    topic: str
    queues: Mapping[int, ConsumeQueue]


# A plan, the tags' codes that are wanted, the topic that the records name, the number of its queues, the
# broker to pull from next and that of who lags behind, the system flags of topic and group.
Prepared = tuple[PullPlan, "Sequence[int] | None", "bytes | None", int, int, int, int, int]


class PullLane:
    """The lane of one broker's pulls, native or in Python.

    Args:
        state: the broker's tables and store.
        checks: of the processor.
        answers: of the processor, whose templates are used.
        codes: of requests that are such pulls.

    Raises:
        ConfigError: the native lane is wanted and can't be used.
    """

    def __init__(
        self, state: BrokerState, checks: PullChecks, answers: PullAnswers, codes: Sequence[int]
    ) -> None:
        self._state = state
        self._checks = checks
        binary, json = (
            (code.to_bytes(2, "big") for code in codes),
            (b'{"code":%d,' % code for code in codes),
        )
        self._begins = (*binary, *json)  # of headers
        if is_native():
            self._take = self._native(answers, codes)
        else:
            self._take = PlainPulls(codes, answers, self._prepare, _bounds, self._find).take

    def _native(self, answers: PullAnswers, codes: Sequence[int]) -> TakePulls:
        from rmqwire_speedups import Pulls  # noqa: PLC0415  a distribution of its own

        log = self._state.store.log
        settings = PullSettings(
            codes=codes,
            names=[*FIELDS, *SAY_NOTHING],
            languages=list(LANGUAGE_CODES),
            max_frame=FRAME_MAX_LENGTH,
            block=BLOCK,
            segment=log.queue.segment_size,
            gap=MERGE_GAP,
            answer_json=answers.json,
            answer_json_order=answers.json_order,
            answer_fields=answers.fields,
            answer_language=answers.language,
            answer_version=answers.version,
        )
        window, read = log.window.find, log.read_each
        return Pulls(settings, self._prepare, self._units, window, read).take

    def may_take(self, data: bytes, position: int) -> bool:
        """Return whether the frame at ``position`` may be a pull, at a glance."""
        return data.startswith(self._begins, position + 8)

    def take(self, inputs: Sequence[Input]) -> Sequence[tuple[int, int]]:
        """Answer the plain pulls at the front of each connection.

        Args:
            inputs: connections, what they have brought, where in it to begin, and where to end.

        Returns:
            for each how many were taken, and where the first frame begins that was not.
        """
        state = self._state
        began = state.wall_ms()
        asked = [(data, position, stop, peer.room) for peer, data, position, stop in inputs]
        try:
            parts, got = self._take(asked, self._here())
        except RuntimeError:  # a panic: they are no frames for the lane
            return [(0, position) for _, _, position, _ in inputs]
        self._note(inputs, got, state.wall_ms() - began)
        for (peer, _, _, _), (count, _, answers) in zip(inputs, parts, strict=True):
            if count:
                peer.send_frame(answers)
        return [part[:2] for part in parts]

    def _note(self, inputs: Sequence[Input], got: Sequence[Got], elapsed_ms: int) -> None:
        """Remember what pulls got, how far their groups have pulled, and consumed as they say."""
        state = self._state
        offsets, counted, messages = state.offsets, state.stats.got, 0
        pull_offsets = state.release.broker.pull_offsets
        plan, pulled = None, {}
        for of, index, queue_id, count, size, next_offset, commit in got:
            if of is not plan:
                plan, (group, topic, _) = of, of
                if pull_offsets:
                    pulled = offsets.pulled(group, topic)
            if commit is not None:
                offsets.commit(inputs[index][0].peer, group, topic, queue_id, commit)
            pulled[queue_id] = next_offset
            counted(group, topic, queue_id, count, size, elapsed_ms)
            messages += count
        state.store.count_found(len(got), messages, elapsed_ms)

    def _here(self) -> Here:
        """Return how the log is now, and what bounds a pull; both may be others in the next pass."""
        store = self._state.store
        config, log = store.config, store.log
        return (
            log.min_offset,
            log.end,
            store.memory_from,
            log.trusted_from,
            MAX_PULL_MSG_SIZE,
            (
                config.max_transfer_bytes_on_message_in_memory,
                config.max_transfer_count_on_message_in_memory,
            ),
            (
                config.max_transfer_bytes_on_message_in_disk,
                config.max_transfer_count_on_message_in_disk,
            ),
            config.max_filter_message_size // UNIT,
        )

    def _prepare(
        self,
        code: int,
        group_name: str,
        topic_name: str,
        sys_flag: int,
        subscription: str | None,
        sub_version: int | None,
        expression_type: str | None,
    ) -> Prepared | None:
        """Check what is the same for all pulls of one kind, whichever queue and offset they ask for.

        Returns:
            what the native lane needs to answer those that find something; None when all of them must
            come as requests.
        """
        state = self._state
        if (
            state.groups.select(group_name) is None
        ):  # found, it would be made: what is made is waited for
            return None
        header = PullMessageRequestHeader(
            consumer_group=group_name,
            topic=topic_name,
            queue_id=0,
            queue_offset=0,
            max_msg_nums=0,
            sys_flag=sys_flag,
            subscription=subscription,
            sub_version=sub_version,
            expression_type=expression_type,
        )
        try:
            topic, group = self._checks.check_access(header, code)
            wanted = self._checks.wanted(header, group)
        except (Reject, ProtocolError):
            return None
        entry = state.store.queues.topics.get(topic_name)
        if entry is None or (wanted is not None and type(wanted) is not TagFilter):
            return None
        if state.config.enable_broadcast_offset_store and state.consumers.broadcasting(group_name):
            return None
        slaves = state.config.slave_read_enable
        return (
            PullPlan(group_name, topic_name, entry.queues),
            None if wanted is None else wanted.codes,
            None if topic_name.startswith(const.LMQ_PREFIX) else entry.name,
            topic.read_queue_nums,
            group.broker_id if slaves else const.MASTER_ID,
            group.which_broker_when_consume_slowly if slaves else const.MASTER_ID,
            topic.topic_sys_flag,
            group.group_sys_flag,
        )

    def _units(
        self, plan: PullPlan, queue_id: int, offset: int, count: int
    ) -> tuple[bytes, int, int] | None:
        """Return units of a queue, its first and last offset; None if this is nothing for the lane."""
        queue = self._queue(plan, queue_id, offset)
        if queue is None:
            return None
        return queue.read(offset, count), queue.min // UNIT, queue.end // UNIT

    def _find(
        self, plan: PullPlan, queue_id: int, offset: int, most: int, bounds: Bounds
    ) -> Found | None:
        """Return messages of a queue; None when there are none, or this is nothing for the lane."""
        queue = self._queue(plan, queue_id, offset)
        if queue is None:
            return None
        low, high = queue.min // UNIT, queue.end // UNIT
        store = self._state.store
        plain = plain_pull(store.log, queue, offset, most, bounds)
        if plain is not None:
            body, count = plain
            return body, count, offset + count, low, high, False
        pull = Pull(
            store.config, store.log, queue, most, MAX_PULL_MSG_SIZE, None, store.memory_bytes
        )
        result = get_message(queue, offset, store.config, pull)
        if result.status != GetStatus.FOUND:
            return None
        next_offset, is_far = result.next_begin_offset, result.suggest_pulling_from_slave
        return result.body, result.count, next_offset, low, high, is_far

    def _queue(self, plan: PullPlan, queue_id: int, offset: int) -> ConsumeQueue | None:
        """Return a queue of the usual kind that has a message at ``offset``."""
        queue = plan.queues.get(queue_id)
        if type(queue) is not ConsumeQueue or not queue.min <= offset * UNIT < queue.end:
            return None
        offsets = self._state.offsets
        if offsets.reset_table and offsets.has_offset_reset(plan.group, plan.topic, queue_id):
            return None
        return queue


def _bounds(here: Here) -> Bounds:
    log_start, _, memory_from, trusted_from, max_bytes, (most_bytes, most), _, _ = here
    return Bounds(max(log_start, memory_from), trusted_from, min(max_bytes, most_bytes), most)
