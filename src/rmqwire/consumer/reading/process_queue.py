"""The messages of one queue between pull and commit (Java ``ProcessQueue``).

Messages finish in any order; the offset to commit is that of the oldest unfinished one, or the one
after the newest ever seen when none is left. So a crash repeats messages and skips none.

::

    put(messages)           pulled, to be consumed
    remove(messages)        finished -> offset to commit, -1 if nothing was here
    drop()                  the queue belongs to somebody else: finish nothing more

Where messages are consumed in order, one job at a time takes them from the front::

    begin()                 True: the caller is the one job now
    take(count)             the oldest, under way from now on; none ends the job
    commit()                what is under way is finished -> offset to commit
    put_back(messages)      they are to be consumed again
    roll_back()             so is all that is under way

What a pull brought mostly leaves together as well. So it stays one thing until something is asked of one
of its messages: then they are held one by one, and so are all before them.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import ProcessQueueInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.signs import Sign

MIB = 1024 * 1024


class ProcessQueue:
    """Unfinished messages of one queue, by offset.

    Args:
        wall_ms: the wall clock at its creation, ms since the epoch.
    """

    __slots__ = (
        "_messages",
        "_offsets",
        "_pulled",
        "_pulls",
        "_under_way",
        "consuming",
        "dropped",
        "last_answer",
        "last_consume_ms",
        "last_pull_ms",
        "offset_max",
        "on_drop",
        "on_room",
        "paused",
        "polled_to",
        "released",
        "size",
    )

    def __init__(self, wall_ms: int = 0) -> None:
        # by the offset of the first: messages, the last one's offset, bytes of their bodies. Ascending,
        # and all of them are behind those that are held one by one.
        self._pulls: dict[int, tuple[list[MessageExt], int, int]] = {}
        self._pulled = 0  # messages in there
        self._messages: dict[int, MessageExt] = {}  # one by one
        # ascending; those of finished messages leave when they come to one of its ends
        self._offsets: deque[int] = deque()
        self.offset_max = 0
        self.size = 0  # bytes of all bodies
        self._under_way: dict[int, MessageExt] = {}  # consumingMsgOrderlyTreeMap
        self.consuming = False  # a job is on it
        self.dropped = False  # read no more
        self.released = False  # somebody else may have it
        self.on_drop: Callable[[], None] | None = None
        self.on_room: Callable[[], None] | None = None  # called when messages have left
        self.paused = False  # not to be read now, by the user's wish
        self.polled_to = -1  # the offset behind what a lite pull consumer has given its user
        self.last_pull_ms = wall_ms
        self.last_answer: Sign | None = None  # to the last pull that was answered or failed
        self.last_consume_ms = wall_ms

    def __len__(self) -> int:
        return self._pulled + len(self._messages) + len(self._under_way)

    def put(self, messages: list[MessageExt]) -> None:
        """Add pulled messages; one that is here already is replaced. The list is not to be changed."""
        offsets = [message.queue_offset for message in messages]
        if not offsets:
            return
        highest = self.highest
        if (highest is None or offsets[0] > highest) and all(
            map(lt, offsets, islice(offsets, 1, None))
        ):  # as it nearly always is
            size = sum([len(message.body) for message in messages])
            self._pulls[offsets[0]] = messages, offsets[-1], size
            self._pulled += len(messages)
            self.offset_max = offsets[-1]
            self.size += size
            return
        self._take_apart()
        held = self._messages
        for message in messages:
            offset = message.queue_offset
            old = held.get(offset)
            if old is not None:
                self.size -= len(old.body)
            else:
                self._enter(offset)
                self.offset_max = offset
            held[offset] = message
            self.size += len(message.body)

    def _take_apart(self, offset: int | None = None) -> None:
        """Hold all messages one by one, as far as to the pull that ``offset`` is in."""
        pulls = self._pulls
        while pulls:
            first = next(iter(pulls))
            if offset is not None and offset < first:
                return
            messages, _, size = pulls.pop(first)
            self._pulled -= len(messages)
            self.size += sum([len(message.body) for message in messages]) - size
            for message in messages:
                self._messages[message.queue_offset] = message
                self._offsets.append(message.queue_offset)

    def _enter(self, offset: int) -> None:
        offsets = self._offsets
        if offsets and offset <= offsets[-1]:
            insort(offsets, offset)
        else:
            offsets.append(offset)

    def remove(self, messages: list[MessageExt], wall_ms: int = 0) -> int:
        """Take finished messages out.

        Returns:
            the offset to commit, or -1 when the queue was empty before.
        """
        self.last_consume_ms = wall_ms
        if not self._pulls and not self._messages:
            return -1
        if messages:
            pull = self._pulls.get(messages[0].queue_offset)
            if pull is not None and pull[0] == messages:
                del self._pulls[messages[0].queue_offset]
                self._pulled -= len(messages)
                self.size -= pull[2]
            else:
                self._remove_each(messages)
        if self.on_room is not None:
            self.on_room()
        lowest = self.lowest
        return self.offset_max + 1 if lowest is None else lowest

    def _remove_each(self, messages: list[MessageExt]) -> None:
        for message in messages:
            self._take_apart(message.queue_offset)
            old = self._messages.pop(message.queue_offset, None)
            if old is not None:
                self.size -= len(old.body)

    def __contains__(self, message: MessageExt) -> bool:
        self._take_apart(message.queue_offset)
        return self._messages.get(message.queue_offset) is message

    @property
    def lowest(self) -> int | None:
        """Offset of the oldest unfinished message."""
        offsets, messages = self._offsets, self._messages
        while offsets and offsets[0] not in messages:
            offsets.popleft()
        return offsets[0] if offsets else next(iter(self._pulls), None)

    @property
    def highest(self) -> int | None:
        """Offset of the newest unfinished message."""
        if self._pulls:
            return next(reversed(self._pulls.values()))[1]
        offsets, messages = self._offsets, self._messages
        while offsets and offsets[-1] not in messages:
            offsets.pop()
        return offsets[-1] if offsets else None

    @property
    def max_span(self) -> int:
        """Distance between the oldest and the newest unfinished message."""
        lowest, highest = self.lowest, self.highest
        return 0 if lowest is None or highest is None else highest - lowest

    def expired(self, wall_ms: int, timeout_ms: int) -> MessageExt | None:
        """Return the oldest message if it has been consumed for longer than ``timeout_ms``."""
        lowest = self.lowest
        if lowest is None:
            return None
        self._take_apart(lowest)
        message = self._messages[lowest]
        started = message.consume_start_ms
        return message if started and wall_ms - started > timeout_ms else None

    # --- in order

    def begin(self) -> bool:
        """Return whether a job has to be begun: there are messages, and none is on them."""
        if self.consuming or self.lowest is None:
            return False
        self.consuming = True
        return True

    def take(self, count: int, wall_ms: int = 0) -> list[MessageExt]:
        """Return the oldest messages, up to ``count``, which are under way now.

        None left ends the job: the next ``begin`` makes another.
        """
        self.last_consume_ms = wall_ms
        taken: list[MessageExt] = []
        while len(taken) < count and (lowest := self.lowest) is not None:
            self._take_apart(lowest)
            message = self._under_way[lowest] = self._messages.pop(lowest)
            taken.append(message)
        if not taken:
            self.consuming = False
        return taken

    @property
    def under_way(self) -> list[MessageExt]:
        """What was taken and is neither committed nor put back."""
        return list(self._under_way.values())

    def commit(self) -> int:
        """Finish all that is under way; return the offset to commit, -1 when nothing was."""
        if not self._under_way:
            return -1
        offset = max(self._under_way) + 1
        self.size -= sum(len(message.body) for message in self._under_way.values())
        self._under_way.clear()
        if self.on_room is not None:
            self.on_room()
        return offset

    def put_back(self, messages: Iterable[MessageExt]) -> None:
        """Have messages consumed again (``makeMessageToConsumeAgain``)."""
        for message in messages:
            offset = message.queue_offset
            if self._under_way.pop(offset, None) is not None:
                self._take_apart(offset)
                self._messages[offset] = message
                self._enter(offset)

    def roll_back(self) -> None:
        """Have all that is under way consumed again."""
        self.put_back(self.under_way)

    # --- the end

    def drop(self, *, release: bool = True) -> None:
        """Stop reading the queue: running listeners may finish.

        Args:
            release: somebody else may have the queue, so that nothing is committed any more.
        """
        self.dropped = True
        self.released = self.released or release
        if self.on_drop is not None:
            self.on_drop()

    def clear(self) -> None:
        """Forget all messages."""
        self._pulls.clear()
        self._pulled = 0
        self._messages.clear()
        self._under_way.clear()
        self._offsets.clear()
        self.size = 0
        self.offset_max = 0

    def info(self, commit_offset: int) -> ProcessQueueInfo:
        """Return what GET_CONSUMER_RUNNING_INFO tells of the queue (``fillProcessQueueInfo``)."""
        return ProcessQueueInfo(
            commit_offset=commit_offset,
            cached_msg_min_offset=self.lowest or 0,
            cached_msg_max_offset=self.highest or 0,
            cached_msg_count=self._pulled + len(self._messages),
            cached_msg_size_in_mi_b=self.size // MIB,
            transaction_msg_min_offset=min(self._under_way, default=0),
            transaction_msg_max_offset=max(self._under_way, default=0),
            transaction_msg_count=len(self._under_way),
            droped=self.dropped,
            last_pull_timestamp=self.last_pull_ms,
            last_consume_timestamp=self.last_consume_ms,
        )
