"""The producer with transactions against a cluster in memory: what it sends, runs and answers."""

from __future__ import annotations

from random import Random
from threading import current_thread, main_thread

import pytest
import trio

from rmqwire.broker_errors import FlushSlaveTimeout
from rmqwire.codec import headers as h
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import decode_command
from rmqwire.codec.message import Message, StoredMessage
from rmqwire.codec.record import encode_message
from rmqwire.codec.release import V4_9_7, release_named
from rmqwire.errors import ConnectFailed, UsageError
from rmqwire.producer.results import SendStatus
from rmqwire.producer.transaction import TransactionProducer
from rmqwire.producer.transaction_check import LocalTransactionState as State
from tests.client.fake_cluster import NAMESRV, FakeCluster
from tests.support.golden import frame_files, frames

R = RequestCode
COMMIT, ROLLBACK, UNKNOW = State.COMMIT_MESSAGE, State.ROLLBACK_MESSAGE, State.UNKNOW


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=1, brokers=("a",))
    return cluster


def producer(cluster, check=lambda _: COMMIT, **config):
    return TransactionProducer(
        "pg",
        check=check,
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        wall_ms=lambda: 1_700_000_000_000,
        rng=Random(7),
        **config,
    )


def ends(cluster):
    return cluster.headers(R.END_TRANSACTION, h.EndTransactionRequestHeader)


def stored(cluster):
    return [message for queue in cluster.queues.values() for message in queue]


@pytest.mark.parametrize(
    ("said", "told"), [(COMMIT, 8), (ROLLBACK, 12), (UNKNOW, 0), (None, 0)], ids=str
)
async def test_the_broker_is_told_what_the_local_transaction_said(
    cluster, autojump_clock, said, told
):
    seen = []

    def local(message, arg):
        seen.append((message.body, message.transaction_id, arg, len(stored(cluster))))
        return said

    async with producer(cluster) as p:
        result = await p.send_in_transaction(Message("T", b"paid"), local, "arg")
    assert seen == [(b"paid", result.msg_id, "arg", 1)]
    (half,) = stored(cluster)
    assert half.properties[const.PROPERTY_TRANSACTION_PREPARED] == "true"
    assert half.properties[const.PROPERTY_PRODUCER_GROUP] == "pg"
    assert half.sys_flag == 4
    (end,) = ends(cluster)
    assert end.commit_or_rollback == told
    assert (end.producer_group, end.msg_id, end.topic) == ("pg", result.msg_id, "T")
    assert (end.tran_state_table_offset, end.commit_log_offset) == (0, half.physical_offset)
    assert not end.from_transaction_check
    assert result.local_transaction_state is (said or UNKNOW)
    (command,) = cluster.codes(R.END_TRANSACTION)
    assert command.is_oneway
    assert command.remark is None


async def test_an_async_local_transaction_is_awaited(cluster, autojump_clock):
    async def local(_, __):
        await trio.sleep(5)
        return COMMIT

    async with producer(cluster) as p:
        await p.send_in_transaction(Message("T", b"x"), local)
    assert [end.commit_or_rollback for end in ends(cluster)] == [8]


async def test_a_local_transaction_that_fails_is_not_known(cluster, autojump_clock, caplog):
    def local(_, __):
        raise ValueError("no money")

    async with producer(cluster) as p:
        result = await p.send_in_transaction(Message("T", b"x"), local)
    assert result.local_transaction_state is UNKNOW
    (command,) = cluster.codes(R.END_TRANSACTION)
    assert command.remark == "executeLocalTransactionBranch exception: ValueError: no money"
    assert "the local transaction of" in caplog.text


async def test_a_half_message_that_isnt_safe_is_rolled_back_unrun(cluster, autojump_clock):
    cluster.faults.append(lambda _, command: unsafe(command))
    async with producer(cluster) as p:
        result = await p.send_in_transaction(Message("T", b"x"), pytest.fail)
        assert result.send_status is SendStatus.FLUSH_SLAVE_TIMEOUT
        with pytest.raises(FlushSlaveTimeout):
            async with p.transaction(Message("T", b"x")):
                pytest.fail("the block was entered")
    assert [end.commit_or_rollback for end in ends(cluster)] == [12, 12]


def unsafe(command):
    if command.code == R.SEND_MESSAGE_V2:
        header = h.SendMessageResponseHeader(
            msg_id="0A00006100002A9F0000000000000007", queue_id=0, queue_offset=3
        )
        return 12, None, header
    return None


async def test_a_broker_that_cant_be_told_will_ask(cluster, autojump_clock, caplog):
    def local(_, __):
        cluster.down.add("10.0.0.97:10911")
        return COMMIT

    async with producer(cluster) as p:
        result = await p.send_in_transaction(Message("T", b"x"), local)
        cluster.down.clear()
    assert result.local_transaction_state is COMMIT
    assert "the broker will ask" in caplog.text


@pytest.mark.parametrize("name", ["DELAY", "TIMER_DELAY_MS", "TIMER_DELAY_SEC", "TIMER_DELIVER_MS"])
async def test_a_delayed_message_is_refused_in_javas_words(cluster, autojump_clock, name):
    message = Message("T", b"x")
    message.properties[name] = "1"
    async with producer(cluster) as p:
        with pytest.raises(UsageError, match="Transactional messages do not support delayed"):
            await p.send_in_transaction(message, pytest.fail)
    assert stored(cluster) == []


async def test_what_cant_be_sent_is_not_run(cluster, autojump_clock):
    cluster.down.add("10.0.0.97:10911")
    async with producer(cluster, retry_times_when_send_failed=0) as p:
        with pytest.raises(ConnectFailed):
            await p.send_in_transaction(Message("T", b"x"), pytest.fail)
        cluster.down.clear()
    assert ends(cluster) == []


async def test_a_block_commits_rolls_back_or_leaves_it_open(cluster, autojump_clock):
    async with producer(cluster) as p:
        async with p.transaction(Message("T", b"1")) as tx:
            assert ends(cluster) == []
            assert (tx.message.body, tx.result.send_status) == (b"1", SendStatus.SEND_OK)
        with pytest.raises(LookupError):
            async with p.transaction(Message("T", b"2")):
                raise LookupError("gone")
        async with p.transaction(Message("T", b"3")) as tx:
            tx.rollback()
        async with p.transaction(Message("T", b"4")) as tx:
            tx.unknown()
    assert [end.commit_or_rollback for end in ends(cluster)] == [8, 12, 12, 0]


async def test_a_block_that_is_cancelled_rolls_back(cluster, autojump_clock):
    async with producer(cluster) as p:
        with trio.move_on_after(1):
            async with p.transaction(Message("T", b"1")):
                await trio.sleep_forever()
        await trio.sleep(0.1)
        assert [end.commit_or_rollback for end in ends(cluster)] == [12]


async def test_brokers_hear_of_the_group(cluster, autojump_clock):
    async with producer(cluster) as p:
        await p.send_in_transaction(Message("T", b"x"), lambda *_: COMMIT)
        await trio.sleep(2)
    groups = {data.group_name for _, beat in cluster.heartbeats for data in beat.producer_data_set}
    assert "pg" in groups


# --- checks


def ask(cluster, key="K1", group="pg"):
    """Ask the client as a broker does, about a half message of its own."""
    half = StoredMessage(
        "T",
        b"body",
        {const.PROPERTY_PRODUCER_GROUP: group, "UNIQ_KEY": key, "KEYS": "order-7"},
        queue_offset=5,
        physical_offset=900,
    )
    header = h.CheckTransactionStateRequestHeader(
        topic="RMQ_SYS_TRANS_HALF_TOPIC",
        bname="a",
        tran_state_table_offset=5,
        commit_log_offset=900,
        msg_id=key,
        transaction_id=key,
        offset_msg_id="x",
    )
    return cluster.tell(R.CHECK_TRANSACTION_STATE, header, encode_message(half))


async def test_a_check_is_answered_with_what_the_user_says(cluster, autojump_clock):
    seen = []

    def check(message):
        seen.append((message.topic, message.keys, message.body, message.msg_id))
        return ROLLBACK

    async with producer(cluster, check):
        assert ask(cluster).replies == []
        await trio.sleep(0.1)
        (end,) = ends(cluster)
    assert seen == [("T", "order-7", b"body", "K1")]
    assert (end.commit_or_rollback, end.from_transaction_check) == (12, True)
    assert (end.tran_state_table_offset, end.commit_log_offset) == (5, 900)
    assert (end.producer_group, end.msg_id, end.transaction_id) == ("pg", "K1", "K1")
    assert (end.topic, end.bname) == ("RMQ_SYS_TRANS_HALF_TOPIC", "a")


async def test_4_9_doesnt_name_the_topic(cluster, autojump_clock):
    async with producer(cluster, release=V4_9_7):
        ask(cluster)
        await trio.sleep(0.1)
        (end,) = ends(cluster)
    assert (end.topic, end.bname) == (None, "a")


async def slowly(_):
    await trio.sleep(10)
    return COMMIT


def fails(_):
    raise ValueError("no database")


@pytest.mark.parametrize(
    ("check", "remark", "line"),
    [
        (fails, "checkLocalTransactionState Exception: ValueError: no database", "the check of"),
        (lambda _: "yes", None, "the check of group pg returned 'yes'"),
    ],
)
async def test_a_check_that_doesnt_know_is_asked_again(
    cluster, autojump_clock, caplog, check, remark, line
):
    async with producer(cluster, check):
        ask(cluster)
        await trio.sleep(0.1)
        (command,) = cluster.codes(R.END_TRANSACTION)
    assert [end.commit_or_rollback for end in ends(cluster)] == [0]
    assert command.remark == remark
    assert line in caplog.text


async def test_checks_take_turns_and_too_many_are_left_to_the_next_time(
    cluster, autojump_clock, caplog
):
    limits = {"check_thread_pool_max_size": 2, "check_request_hold_max": 3}
    async with producer(cluster, slowly, **limits):
        for number in range(9):
            ask(cluster, str(number))
        await trio.sleep(11)
        assert len(ends(cluster)) == 2
        await trio.sleep(30)
        assert sorted(end.msg_id for end in ends(cluster)) == ["0", "1", "2", "3", "4"]
    assert caplog.text.count("asks too much about group pg") == 4


async def test_a_check_that_blocks_runs_in_a_thread(cluster):
    names = []
    answered = trio.Event()

    def check(_):
        names.append(current_thread() is main_thread())
        trio.from_thread.run_sync(answered.set)
        return COMMIT

    async with producer(cluster, check, check_in_threads=True):
        ask(cluster)
        with trio.fail_after(5):
            await answered.wait()
    assert names == [False]


async def test_a_broker_that_is_gone_asks_again(cluster, autojump_clock, caplog):
    async with producer(cluster):
        cluster.down.add("10.0.0.9:10911")
        ask(cluster)
        await trio.sleep(0.1)
        cluster.down.clear()
        assert "it asks again" in caplog.text


async def test_another_groups_transactions_are_not_ours(cluster, autojump_clock, caplog):
    async with producer(cluster):
        ask(cluster, group="other")
        await trio.sleep(0.1)
    assert ends(cluster) == []
    assert "no transactional producer of group other" in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        {"check": None},
        {"check_thread_pool_max_size": 0},
        {"check_request_hold_max": 0},
    ],
)
def test_settings_that_cant_work_are_refused(cluster, bad):
    with pytest.raises(UsageError):
        producer(cluster, **bad)


# --- what Java sends


ENDS = [
    (path.parts[-3], [decode_command(frame) for entry, frame in frames(path)])
    for path in frame_files("b_tx_*")
]


@pytest.mark.parametrize(("name", "commands"), ENDS)
async def test_the_end_is_javas_field_by_field(cluster, autojump_clock, name, commands):
    java = next(one for one in commands if one.code == R.END_TRANSACTION and not one.is_response)
    how = {8: COMMIT, 12: ROLLBACK, 0: UNKNOW}[int(java.ext_fields["commitOrRollback"])]
    async with producer(cluster, release=release_named(name)) as p:
        await p.send_in_transaction(Message("T", b"x"), lambda *_: how)
    (ours,) = cluster.codes(R.END_TRANSACTION)
    without_id = {"transactionId"}  # the cluster in memory gives none
    assert set(ours.ext_fields) == set(java.ext_fields) - without_id
    for field in ("commitOrRollback", "fromTransactionCheck"):
        assert ours.ext_fields[field] == java.ext_fields[field]
