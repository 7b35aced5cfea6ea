"""The native lane of rmqwire, written in Rust; ``speedups/README.md`` says what it takes over."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, Self, TypeVar

VERSION: Final[int]

_Q = TypeVar("_Q")

class Settings(Protocol):
    """What stays the same for one broker; read once."""

    @property
    def codes(self) -> Sequence[tuple[int, Sequence[str]]]: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def harmless_sys_flag(self) -> int: ...
    @property
    def max_frame(self) -> int: ...
    @property
    def max_body(self) -> int: ...
    @property
    def store_host(self) -> bytes: ...
    @property
    def host_id(self) -> str: ...
    @property
    def ours(self) -> Sequence[str]: ...
    @property
    def trailing_separator(self) -> bool: ...
    @property
    def takes_batches(self) -> bool: ...
    @property
    def answer_json(self) -> str: ...
    @property
    def answer_json_with_key(self) -> str: ...
    @property
    def answer_tail(self) -> bytes: ...
    @property
    def answer_language(self) -> int: ...
    @property
    def answer_version(self) -> int: ...
    @property
    def answers_key(self) -> bool: ...

class _Peer(Protocol):
    peer_host: bytes  # packed

class QueueTail:
    """The newest units of a queue and the offset of its next message (``store.queues.queue_tail.Tail``)."""

    next_offset: int
    is_unwritten: bool

    def __init__(self, queue: object, /) -> None: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    def __len__(self) -> int: ...
    def restart(self, position: int, /) -> None: ...
    def append(self, units: bytes | bytearray, /) -> None: ...
    def read(self, begin: int, stop: int, /) -> bytes: ...
    def shorten(self, most: int, /) -> None: ...
    def cut(self, position: int, /) -> None: ...
    def take_counts(self) -> tuple[int, int, int, int]: ...

class Brought:
    """What a lane's call brings its queues (``store.queues.queue_tail.Brought``).

    A row is the tail of a queue, the offset behind its messages, their units, the bytes of their
    records, and how many sends brought them.
    """

    def __init__(
        self, rows: Sequence[tuple[QueueTail, int, bytes | bytearray, int, int]], /
    ) -> None: ...
    def take_offsets(self) -> None: ...
    def give_back(self) -> None: ...
    def units(self) -> list[tuple[Any, bytes]]: ...
    def dispatch(self, limit: int, /) -> tuple[list[Any], list[Any]]: ...
    def count(self, elapsed_ms: int, /) -> list[Any]: ...

class Sends:
    """Turns plain sends at the front of a buffer into records, units and answers.

    ``place`` is told a topic and a queue id and returns the queue's tail, or None
    when that is not plain; a queue is asked for once for each ``places_version``. ``plan`` is told the names of a message's properties and
    returns which entries are stored, in order, and the indexes of TAGS, UNIQ_KEY and WAIT (-1
    without), or None when these names are not plain; it is asked once for each list of names.
    """

    def __init__(
        self,
        settings: Settings,
        place: Callable[[str, int], Any],
        plan: Callable[[Sequence[str]], tuple[Sequence[int], int, int, int] | None],
    ) -> None: ...
    def take(
        self,
        inputs: Sequence[tuple[_Peer, bytes, int]],
        log_end: int,
        room: int,
        store_timestamp: int,
        places_version: int,
        /,
    ) -> tuple[
        list[tuple[int, int, int, bytes]],
        bytes,
        int,
        tuple[int, int],
        Brought | None,
    ]:
        """Take what is plain at the front of what each connection has brought.

        Args:
            inputs: each connection, what it brought and where in it to begin.
            log_end: where the next record begins.
            room: bytes that all records may have together.
            store_timestamp: ms.
            places_version: another one when what ``place`` has returned may be so no more.

        Returns:
            for each connection how many sends were taken, where the first frame begins that was not,
            where the frames end that the Python must look at (the same when no whole one is left), and
            the answers, without those of oneway sends; all records; the size of the last one; messages and sends in
            all; what their queues get, None where nothing was taken.

        Raises:
            RuntimeError: the lane panicked. Nothing was taken then, nor when a callable raised.
        """

class _AnyKeys(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> tuple[int, int, int]: ...

class Keys:
    """Keys of records: hash, offset in the log and store time (ms) of each, in Java's order."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> tuple[int, int, int]: ...

def walk_keys(
    data: bytes, position: int, base: int, most: int, tags: bool, /
) -> tuple[Keys, int, int]:
    """Hash the keys of records as long as they are of the usual kind and there, without the GIL.

    Args:
        data: a part of the log.
        position: where in it a record begins, bytes.
        base: the log's offset of its first byte.
        most: records wanted at most.
        tags: tags are keys too.

    Returns:
        the keys, the position behind the last record, how many there were.
    """

class Slots:
    """The slots of an index file, without the GIL; ``rmqwire.store.index.slots`` says what each does."""

    def __init__(self, slot_num: int, empty: bool, /) -> None: ...
    def get(self, slot: int, /) -> int | None: ...
    def load(self, page: int, data: bytes, /) -> None: ...
    def changed_run(self, page: int, /) -> tuple[int, bytes] | None: ...
    def written(self) -> None: ...
    def append(
        self, keys: _AnyKeys, first: int, stop: int, number: int, begin: int, /
    ) -> tuple[bytes, int, int]: ...

def walk_units(
    data: bytes,
    position: int,
    stop: int,
    base: int,
    appends_from: int,
    check_crc: bool,
    find: Callable[[bytes, int, int], tuple[_Q, int] | None],
    has: Callable[[_Q, int, int, int], bool],
    /,
) -> tuple[int, int, int, int, list[tuple[_Q, int, bytes, list[int]]]]:
    """Collect the units of the records of a part of the log, as long as they are of the usual kind.

    Args:
        data: a part of the log.
        position: where in it a record begins, bytes.
        stop: where in it to end; no record may cross that.
        base: the log's offset of its first byte.
        appends_from: records below this position get no units without a closer look.
        check_crc: compare the bodies' CRCs.
        find: is told topic, queue id and offset of a record in the log; returns something for the
            queue and its next offset, None when a closer look is needed.
        has: is told that something, a queue offset, an offset in the log and a size; returns whether the
            queue has that unit.

    Returns:
        the position behind the last record; how many there were; size and store time (ms) of the last;
        for each queue what ``find`` gave, its next offset, its units and their tags codes, each once.
    """

class PullSettings(Protocol):
    """What stays the same for one broker's pulls; read once."""

    @property
    def codes(self) -> Sequence[int]: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def max_frame(self) -> int: ...
    @property
    def block(self) -> int: ...
    @property
    def segment(self) -> int: ...
    @property
    def gap(self) -> int: ...
    @property
    def answer_json(self) -> str: ...
    @property
    def answer_json_order(self) -> Sequence[int]: ...
    @property
    def answer_fields(self) -> Sequence[tuple[str, int]]: ...
    @property
    def answer_language(self) -> int: ...
    @property
    def answer_version(self) -> int: ...

class Stretch:
    """A part of a file in memory that is used again when nobody has this any more."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...

class ReadAhead:
    """Reads parts of files in a thread, without the GIL; ``rmqwire.store.read_thread.ReadThread`` says what each does."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def begin(self, path: str, size: int, offset: int, /) -> Callable[[], Stretch]: ...
    def forget(self) -> None: ...

class _Data(Protocol):
    """``bytes`` or a ``Stretch``."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...

_P = TypeVar("_P")

class Pulls(Generic[_P]):
    """Turns plain pulls at the front of buffers into answers.

    ``names`` of the settings are those of a pull's fields, in the order of ``PullMessageRequestHeader``, then
    those that say nothing to a broker.

    ``prepare`` is told code, group, topic, sysFlag's bit of a subscription, subscription, its version and
    expression type, once in a call for each such kind of pull. It returns something that stands for it, the
    tags codes that are wanted (None: all), the topic as records have it (None if they may have another), the
    number of queues, the broker to pull from next and that of who lags behind, the system flags of topic and
    group. ``units`` is told that something, a queue id, an offset and a number, and returns units, the
    queue's first offset and the one behind its last. ``block`` is told where a block of the log begins and
    ends, and how many records of it are wanted, and returns bytes that hold it and where they begin. ``read``
    is told offsets and sizes and returns these parts of the log. Where one of the first three returns None, or any raises an Exception, the pull isn't plain.
    """

    def __init__(
        self,
        settings: PullSettings,
        prepare: Callable[
            [int, str, str, int, str | None, int | None, str | None],
            tuple[_P, Sequence[int] | None, bytes | None, int, int, int, int, int] | None,
        ],
        units: Callable[[_P, int, int, int], tuple[bytes, int, int] | None],
        block: Callable[[int, int, int], tuple[_Data, int] | None],
        read: Callable[[list[tuple[int, int]]], Sequence[bytes]],
    ) -> None: ...
    def take(
        self,
        inputs: Sequence[tuple[bytes, int, int, int]],
        here: tuple[int, int, int, int, int, tuple[int, int], tuple[int, int], int],
        /,
    ) -> tuple[list[tuple[int, int, bytes]], list[tuple[_P, int, int, int, int, int, int | None]]]:
        """Take what is plain at the front of what each connection has brought.

        Args:
            inputs: for each connection what it brought, where in it to begin and where to end, and how many
                bytes of answers may be there before no more pulls are taken.
            here: where the log begins and ends, from where on records count as in memory and from where on
                they are surely right; most bytes of a pull; most bytes and messages of records in memory,
                and of others; units that are looked at unless more messages are wanted.

        Returns:
            for each connection how many pulls were taken, where the first frame begins that was not, and
            the answers; for each pull what ``prepare`` gave, the number of its connection, its queue id, the
            number of its messages, their bytes, the offset to go on at and what its group has consumed.

        Raises:
            RuntimeError: the lane panicked. Nothing was taken then.
        """

class Pulled:
    """The records that a pull gets."""

    @property
    def count(self) -> int:
        """How many."""

    @property
    def looked(self) -> int:
        """Units looked at."""

    @property
    def newest(self) -> int:
        """Offset in the log of the last of them."""

    @property
    def indexes(self) -> list[int]:
        """Which units the records are of, counted from the first."""

    @property
    def parts(self) -> list[tuple[int, int]]:
        """Offset and size of each part of the log that holds some of them."""

    def join(self, data: Sequence[bytes], queue: tuple[bytes, int, int] | None, /) -> bytes | None:
        """Return the records, one after the other.

        Args:
            data: the parts, as the log gave them.
            queue: its topic, its id and the message offset of the first unit: each record must be whole
                and its queue's; None: they are.

        Returns:
            None when one is not there, or not surely right.
        """

def scan_units(
    units: bytes,
    limits: tuple[tuple[int, int], int, tuple[int, int], tuple[int, int], int],
    codes: Sequence[int] | None,
    gap: int,
    segment: int,
    /,
) -> Pulled | None:
    """Choose the units that a pull gets.

    Args:
        units: of a consume queue, in a row.
        limits: most bytes and messages wanted; the offset in the log from which on records count as
            in memory; most bytes and messages of such, and of others; where the log begins.
        codes: tags codes that are wanted; None: all.
        gap: records that have at most so many bytes between them are read as one part of the log,
        segment: unless they are in two files of this size.

    Returns:
        None when a unit has no size.
    """

def record_heads(
    data: bytes, broker_name: str, min_offset: int, max_offset: int, /
) -> tuple[list[tuple[str, bytes, int, int, int, int, int, bytes, str, int, int]], int, int] | None:
    """Read the records of a pull's answer as far as a consumer looks at them.

    Returns:
        of each its topic, body, index in its queue, system flag, deliveries before this one, queue id,
        where in it the properties begin, all of it, and the other arguments; the system flags of any of
        them; the least index. None when one is damaged, or its topic no UTF-8.
    """

def panic_for_a_test() -> None:
    """Raise what a panic becomes.

    Raises:
        RuntimeError: always.
    """

class SendForm:
    """Writes a client's plain sends of one kind to one broker.

    ``pieces`` stand between queue id, time of birth, property string and opaque of the JSON header, and round all
    of them. ``old_escapes``: texts beyond ASCII aren't plain. ``write`` returns a message's id and its whole
    frame, and gives the properties WAIT and UNIQ_KEY (``head`` and four digits of ``count``) where they have
    none; None: not plain, and nothing has changed but where the header is longer than any may be.
    """

    def __init__(
        self,
        pieces: tuple[bytes, bytes, bytes, bytes, bytes],
        most_body: int,
        not_plain: Sequence[str],
        trailing: bool,
        old_escapes: bool,
        /,
    ) -> None: ...
    def write(
        self,
        properties: dict[str, str],
        body: bytes,
        queue_id: int,
        born_timestamp: int,
        opaque: int,
        head: str,
        count: int,
        /,
    ) -> tuple[str, bytes] | None: ...

class BatchForm:
    """Writes the bodies of a client's plain batches, of messages of one type and topic in a list.

    ``write`` returns the body, the ids joined by commas, whether all WAIT, and how many ids are new, the first
    of them with the number ``count``; None: not plain, and nothing has changed.
    """

    def __init__(
        self, message_type: type, most_body: int, not_plain: Sequence[str], trailing: bool, /
    ) -> None: ...
    def write(
        self, messages: Sequence[object], head: str, count: int, /
    ) -> tuple[bytes, str, bool, int] | None: ...

class SendAnswers:
    """Finds the whole frames at the front of a buffer, and reads those that are plain answers to a stored send.

    ``read`` returns what it has found, and where the last whole frame ends. Of a plain answer it gives begin and
    end of the frame behind its length word, opaque, queue id, queue offset, msgId, transactionId, MSG_REGION and
    TRACE_ON; of any other frame begin and end.
    """

    def __init__(self, languages: Sequence[str], max_frame: int, /) -> None: ...
    def read(
        self, data: bytes, /
    ) -> tuple[
        list[tuple[int, int, int, int, int, str, str | None, str | None, bool] | tuple[int, int]],
        int,
    ]: ...
