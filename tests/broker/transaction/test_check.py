"""Check-backs: when a producer is asked, about what, how often, and what survives a restart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmqwire.broker.transaction.half_message import HALF_TOPIC, OP_TOPIC
from rmqwire.broker.transaction.service import GROUP as SYSTEM_GROUP
from rmqwire.codec import message_const as const
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import BadRecord, TooManyRequests
from tests.broker.transaction.support import COMMIT, ROLLBACK, TIME_OUT_MS, UNKNOWN, Transactions
from tests.support import requests

MINUTE_MS = 60_000


@pytest.fixture(params=[V4_9_7, V5_5_0], ids=lambda release: release.name)
def tx(request, tmp_path):
    made = Transactions(tmp_path, request.param)
    yield made
    made.close()


def offsets(tx):
    return [tx.state.offsets.query(SYSTEM_GROUP, topic, 0) for topic in (HALF_TOPIC, OP_TOPIC)]


def test_a_young_half_message_is_left_alone(tx):
    tx.send()
    assert tx.check(TIME_OUT_MS) == []
    assert len(tx.halves()) == 1


def test_an_old_one_is_stored_again_and_asked_about_by_its_new_place(tx):
    tx.send("K9", body=b"paid")
    (check,) = tx.check()
    old, copy = tx.halves()
    assert copy.properties[const.PROPERTY_TRANSACTION_CHECK_TIMES] == "1"
    assert (copy.body, copy.born_timestamp) == (old.body, old.born_timestamp)
    assert (check.tran_state_table_offset, check.commit_log_offset) == (1, copy.physical_offset)
    assert (check.offset_msg_id, check.msg_id) == (copy.message_id, "K9")
    assert offsets(tx)[0] == 1


def test_a_copy_keeps_the_applications_flag(tx):
    """Java's copy loses it."""
    tx.send(flag=7)
    (check,) = tx.check()
    assert [half.flag for half in tx.halves()] == [7, 7]
    tx.answer(check, COMMIT)
    assert [message.flag for message in tx.messages()] == [7]


def test_the_answer_ends_it(tx):
    tx.send(body=b"a")
    (check,) = tx.check()
    assert tx.answer(check, COMMIT).code == 0
    assert tx.bodies() == [b"a"]
    assert tx.check(MINUTE_MS) == []
    assert offsets(tx)[0] == 2


def test_it_is_asked_again_until_it_was_asked_often_enough(tx):
    tx.state.config.transaction_check_max = 3
    tx.send(body=b"a")
    asked = [len(tx.check(MINUTE_MS)) for _ in range(6)]
    assert asked == [1, 1, 1, 0, 0, 0]
    (given_up,) = tx.given_up()
    assert given_up.properties[const.PROPERTY_TRANSACTION_CHECK_TIMES] == "3"
    assert given_up.properties[const.PROPERTY_REAL_TOPIC] == "T"
    assert tx.bodies() == []


def test_a_commit_after_it_was_given_up_still_delivers_it_once(tx):
    tx.state.config.transaction_check_max = 0
    sent = tx.send(body=b"a", more="TRANSACTION_CHECK_TIMES\x010\x02")
    assert tx.check() == []
    assert len(tx.given_up()) == 1
    for _ in range(2):
        assert tx.end(sent, COMMIT).code == 0
        tx.check()
    assert tx.bodies() == [b"a"]


def test_what_is_older_than_the_logs_files_is_given_up(tx):
    tx.send()
    tx.check(tx.state.store.config.file_reserved_time * 3_600_000 + 1)
    assert len(tx.given_up()) == 1


def test_what_couldnt_be_stored_again_is_looked_at_in_the_next_round(tx, caplog):
    tx.send()
    tx.send("K2")
    health = tx.state.store.health
    health.refuse("no space")
    assert tx.check() == []
    health.allow()
    assert "not stored again: SERVICE_NOT_AVAILABLE no space" in caplog.text
    assert len(tx.halves()) == 2
    assert len(tx.check(0)) == 2


def test_what_couldnt_be_given_up_isnt_lost(tx):
    tx.state.config.transaction_check_max = 1
    tx.send()
    tx.check()
    tx.state.store.health.refuse("no space")
    tx.check()
    tx.state.store.health.allow()
    assert tx.given_up() == []
    tx.check(0)
    assert len(tx.given_up()) == 1


def test_a_time_of_its_own_puts_a_check_off_and_lets_others_pass(tx):
    tx.send("slow", more="CHECK_IMMUNITY_TIME_IN_SECONDS\x01600\x02")
    tx.send("quick")
    (check,) = tx.check()
    assert check.msg_id == "quick"
    assert tx.answer(check, ROLLBACK).code == 0
    assert tx.check(500_000) == []
    (check,) = tx.check(100_000)
    assert check.msg_id == "slow"


def test_being_put_off_is_no_check(tx):
    """Java counts it, and gives up unasked what has more time than transactionCheckMax rounds."""
    tx.state.config.transaction_check_max = 2
    tx.send(more="CHECK_IMMUNITY_TIME_IN_SECONDS\x01600\x02")
    assert [len(tx.check(59_000)) for _ in range(10)] == [0] * 10
    assert tx.given_up() == []
    assert len(tx.check(MINUTE_MS)) == 1


def test_a_commit_that_names_the_half_message_before_it_was_put_off_ends_it(tx):
    """Java takes no notice of it when it looks at the copy, and asks."""
    sent = tx.send(body=b"a", more="CHECK_IMMUNITY_TIME_IN_SECONDS\x0130\x02")
    tx.check(10_000)
    tx.check(10_000)
    assert tx.end(sent, COMMIT).code == 0
    assert tx.check(60_000) == []
    assert tx.bodies() == [b"a"]


@pytest.mark.parametrize("text", ["-1", "soon"])
def test_a_time_of_its_own_that_is_none_is_the_brokers(tx, text):
    tx.send(more=f"CHECK_IMMUNITY_TIME_IN_SECONDS\x01{text}\x02")
    assert tx.check(TIME_OUT_MS) == []
    assert len(tx.check(1)) == 1


def test_what_was_born_in_the_future_is_asked_about_at_once(tx):
    tx.send(born_timestamp=tx.broker.clock.ms + MINUTE_MS)
    assert len(tx.check(1)) == 1


def test_an_end_whose_op_isnt_written_yet_counts(tmp_path):
    """Java checks it when transactionTimeOut is below transactionOpBatchInterval."""
    tx = Transactions(tmp_path, transaction_time_out=1_000, transaction_op_batch_interval=3_600_000)
    tx.end(tx.send(), COMMIT)
    assert tx.check() == []
    assert tx.ops() == []
    assert len(tx.halves()) == 1
    tx.close()


def test_any_living_producer_of_the_group_is_asked_in_turn(tx):
    sibling = tx.broker.connect()
    sibling.call(requests.heartbeat("p2", producers=["pg"]))
    sibling.received.clear()
    for number in range(4):
        tx.send(str(number))
    assert len(tx.check()) == 2
    sibling.drain()
    assert [one.code for one in sibling.received] == [39, 39]


def test_without_a_producer_it_waits_and_is_counted(tx, caplog):
    tx.send()
    tx.producer.close()
    tx.check()
    assert "no producer of group pg to ask about" in caplog.text
    assert len(tx.halves()) == 2


def test_more_half_messages_than_one_step_takes_are_all_looked_at(tx):
    for number in range(100):
        tx.send(str(number))
    assert len(tx.check()) == 100


def test_a_half_message_without_a_place_to_go_is_given_up(tx):
    tx.send()
    half = tx.halves()[0]
    half.properties.pop(const.PROPERTY_REAL_TOPIC)
    service = tx.state.transactions
    service.read = lambda *_: ([half], 1) if service.queue.position == 0 else ([], 1)
    assert tx.check() == []
    assert len(tx.given_up()) == 1


# --- restarts


def test_half_messages_and_ops_are_known_after_a_restart(tx):
    kept, ended = tx.send("kept"), tx.send("ended")
    tx.end(ended, COMMIT)
    tx.restart()
    assert tx.state.transactions.metrics.counts["T"].count == 1
    assert tx.end(ended, COMMIT).code == 0
    assert len(tx.messages()) == 1
    (check,) = tx.check()
    assert check.msg_id == "kept"
    assert tx.end(kept, ROLLBACK).code == 0
    assert tx.check(MINUTE_MS) == []


def test_offsets_that_are_older_than_the_checks_ask_only_about_the_newest_copy(tx):
    """A crash, or a slave that is promoted: consumer offsets are written from time to time."""
    tx.send()
    before = offsets(tx)
    for _ in range(3):
        tx.check()
    tx.state.offsets.commit("", SYSTEM_GROUP, HALF_TOPIC, 0, max(before[0], 0))
    tx.state.transactions.take_role()
    (check,) = tx.check()
    assert check.tran_state_table_offset == 4
    assert len(tx.halves()) == 5


@pytest.mark.parametrize("retried", [False, True])
def test_a_commit_whose_op_was_lost_isnt_delivered_again(tx, retried):
    """A crash between the two: the committed message is in the log, the op isn't."""
    sent = tx.send(body=b"a")
    tx.end(sent, COMMIT)
    tx.state.transactions.take_role()  # forgets what wasn't written
    if retried:
        assert tx.end(sent, COMMIT).code == 0
    assert tx.check(0) == []
    assert tx.check() == []
    tx.broker.pass_time(3_000)
    assert tx.bodies() == [b"a"]
    assert len(tx.halves()) == 1
    assert [op.rstrip(b",") for op in tx.ops()] == [b"0"]


def test_a_delayed_commit_whose_op_was_lost_isnt_delivered_again(tx):
    tx.end(tx.send(more="DELAY\x0118\x02"), COMMIT)
    tx.state.transactions.take_role()
    assert tx.check() == []
    assert len(tx.halves()) == 1


def test_offsets_beyond_the_queue_are_corrected(tx):
    tx.send()
    tx.state.offsets.commit("", SYSTEM_GROUP, HALF_TOPIC, 0, 77)
    tx.state.transactions.take_role()
    assert tx.state.transactions.queue.position in {1, 77}
    tx.check()
    assert offsets(tx)[0] == 1
    tx.send("K2")
    assert len(tx.check()) == 1


def test_a_half_message_that_cant_be_read_ends_the_round(tx, caplog):
    tx.send()

    def damaged(*_):
        raise BadRecord("no record")

    service = tx.state.transactions
    read, service.read = service.read, damaged
    assert tx.check() == []
    assert "half message at 0 can't be read" in caplog.text
    service.read = read
    assert len(tx.check()) == 1


def test_a_producer_that_takes_nothing_is_not_asked(tx, caplog):
    tx.send()

    def full(_):
        raise TooManyRequests("too many requests wait to be sent")

    tx.state.producers.available = lambda _: SimpleNamespace(send_oneway=full)
    assert tx.check() == []
    assert "transaction check of group pg: too many requests" in caplog.text


def test_an_unknown_end_changes_nothing_for_the_check(tx):
    sent = tx.send()
    assert tx.end(sent, UNKNOWN) is None
    assert len(tx.check()) == 1
