"""END_TRANSACTION: what becomes visible, what is refused, in Java's words, and only once."""

from __future__ import annotations

import pytest

from rmqwire.broker.transaction import recent_halves
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import ResumeCheckHalfMessageRequestHeader
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.broker.transaction.support import COMMIT, ROLLBACK, UNKNOWN, Transactions
from tests.support import requests


@pytest.fixture
def tx(tmp_path):
    made = Transactions(tmp_path)
    yield made
    made.close()


@pytest.fixture
def old(tmp_path):
    made = Transactions(tmp_path, V4_9_7)
    yield made
    made.close()


def test_a_half_message_is_in_no_queue_of_its_topic_until_it_is_committed(tx):
    sent = tx.send(body=b"paid")
    assert sent.ext_fields["queueId"] == "0"
    assert sent.ext_fields["queueOffset"] == "0"  # of the half queue
    assert (tx.bodies(), [half.body for half in tx.halves()]) == ([], [b"paid"])
    assert tx.state.transactions.metrics.counts["T"].count == 1
    assert tx.end(sent, COMMIT).code == 0
    (message,) = tx.messages()
    assert (message.body, message.sys_flag, message.prepared_transaction_offset) == (b"paid", 8, 0)
    assert tx.state.transactions.metrics.counts["T"].count == 0


def test_a_rolled_back_message_is_never_seen(tx):
    assert tx.end(tx.send(), ROLLBACK).code == 0
    assert tx.bodies() == []
    assert tx.check() == []


def test_not_known_yet_has_no_answer_and_ends_nothing(tx):
    assert tx.end(tx.send(), UNKNOWN) is None
    assert tx.bodies() == []
    assert len(tx.check()) == 1


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"producer_group": "other"}, "The producer group wrong"),
        ({"tran_state_table_offset": 7}, "The transaction state table offset wrong"),
        ({"commit_log_offset": 10**12}, "Find prepared transaction message failed"),
        ({"commit_log_offset": -1}, "Find prepared transaction message failed"),
        ({"commit_log_offset": 3}, "Find prepared transaction message failed"),
    ],
)
@pytest.mark.parametrize("how", [COMMIT, ROLLBACK])
def test_an_end_that_fits_no_half_message_is_refused_in_javas_words(tx, fields, remark, how):
    sent = tx.send()
    answer = tx.end(sent, how, **fields)
    assert (answer.code, answer.remark) == (1, remark)
    assert len(tx.check()) == 1


def test_a_message_that_is_no_half_message_cant_be_committed(tx):
    sent = tx.producer.call(requests.send(properties="PGROUP\x01pg\x02"))
    answer = tx.end(sent, COMMIT)
    assert (answer.code, answer.remark) == (1, "Find prepared transaction message failed")
    assert len(tx.messages()) == 1


@pytest.mark.parametrize("again_after", [0, 7_000, 60_000])
def test_a_half_message_committed_twice_is_delivered_once(tx, again_after):
    sent = tx.send()
    assert tx.end(sent, COMMIT).code == 0
    if again_after:
        tx.check(again_after)
    assert tx.end(sent, COMMIT).code == 0
    assert len(tx.messages()) == 1


def test_a_half_message_committed_twice_in_one_pass_is_delivered_once(tx):
    sent = tx.send()
    tx.producer.broker = _NoPass(tx.broker)
    assert tx.end(sent, COMMIT) is None
    assert tx.end(sent, COMMIT).code == 0
    tx.state.store.puts.end_pass()
    assert len(tx.messages()) == 1


class _NoPass:
    """A broker whose pass goes on."""

    def __init__(self, broker):
        class Puts:
            def end_pass(self):
                pass

        class Nothing:
            puts = Puts()

        self.core = type("Core", (), {"state": type("State", (), {"store": Nothing()})()})()


@pytest.mark.parametrize(
    ("first", "then", "word"), [(COMMIT, ROLLBACK, "committed"), (ROLLBACK, COMMIT, "rolled back")]
)
def test_a_transaction_that_ended_cant_end_otherwise(tx, first, then, word):
    sent = tx.send()
    tx.end(sent, first)
    answer = tx.end(sent, then)
    assert (answer.code, answer.remark) == (1, f"The transaction was {word} before")
    assert len(tx.messages()) == (1 if first == COMMIT else 0)


def test_a_late_commit_of_a_half_message_that_was_checked_ends_its_copy(tx):
    """Java delivers it, and again when the copy is checked."""
    sent = tx.send()
    assert len(tx.check()) == 1
    assert tx.end(sent, COMMIT).code == 0
    assert len(tx.messages()) == 1
    assert tx.check(60_000) == []
    assert len(tx.messages()) == 1


def test_a_delay_level_counts_from_the_commit(tx):
    sent = tx.send(more="DELAY\x011\x02")
    tx.broker.pass_time(5_000)
    assert tx.bodies() == []
    tx.end(sent, COMMIT)
    assert tx.bodies() == []
    tx.broker.pass_time(999)
    assert tx.bodies() == []
    tx.broker.pass_time(1)
    (message,) = tx.messages()
    assert message.properties[const.PROPERTY_REAL_TOPIC] == "T"
    assert const.PROPERTY_TRANSACTION_PREPARED not in message.properties


def test_a_committed_message_waits_for_its_time(tx):
    sent = tx.send(more="TIMER_DELAY_SEC\x015\x02")
    tx.broker.pass_time(300)
    assert tx.end(sent, COMMIT).code == 0
    tx.broker.pass_time(0)
    tx.broker.pass_time(4_999)
    assert tx.bodies() == []
    tx.broker.pass_time(1_000)
    (message,) = tx.messages()
    assert message.properties[const.PROPERTY_TIMER_OUT_MS]


def test_a_timer_whose_time_makes_no_sense_is_refused_and_stays(tx):
    sent = tx.send(more="TIMER_DELAY_SEC\x0199999999\x02")
    answer = tx.end(sent, COMMIT)
    assert (answer.code, answer.remark[:21]) == (13, "timer message illegal")
    assert len(tx.check()) == 1


def test_a_timer_message_is_refused_where_there_are_no_timers_and_stays(tx):
    tx.state.config.timer_wheel_enable = False
    sent = tx.send(more="TIMER_DELAY_SEC\x015\x02")
    answer = tx.end(sent, COMMIT)
    assert (answer.code, answer.remark[:38]) == (1, "accurate timer message is not enabled,")
    assert len(tx.check()) == 1


def test_a_delay_level_that_is_no_number_cant_be_committed(tx):
    """Sends are refused before; a folder of another broker's may hold one."""
    sent = tx.send(more="DELAY\x011\x02")
    record = tx.halves()[0].record.replace(b"DELAY\x011", b"DELAY\x01x")
    tx.state.transactions.recent.clear()
    tx.state.store.look_message = lambda _: record
    answer = tx.end(sent, COMMIT)
    assert answer.code == 1
    assert "delay level" in answer.remark
    assert tx.end(sent, ROLLBACK).code == 0


def test_4_9_writes_one_op_for_each_half_message_at_once(old):
    for key, how in (("a", COMMIT), ("b", ROLLBACK), ("c", COMMIT)):
        old.end(old.send(key), how)
    old.broker.pass_time(0)
    assert old.ops() == [b"0", b"1", b"2"]


def test_5_writes_ops_together_after_the_interval(tx):
    for key, how in (("a", COMMIT), ("b", ROLLBACK), ("c", COMMIT)):
        tx.end(tx.send(key), how)
    tx.broker.pass_time(2_999)
    assert tx.ops() == []
    tx.broker.pass_time(1)
    assert tx.ops() == [b"0,1,2,"]


def test_5_writes_ops_that_have_grown_too_long_at_once(tx):
    tx.state.config.transaction_op_msg_max_size = 8
    for number in range(5):
        tx.end(tx.send(str(number)), ROLLBACK)
    tx.broker.pass_time(0)
    assert tx.ops() == [b"0,1,2,3,", b"4,"]


def test_what_waits_to_be_written_is_written_at_the_stop(tx):
    tx.end(tx.send(), COMMIT)
    tx.restart()
    assert tx.ops() == [b"0,"]
    assert tx.check(60_000) == []
    assert len(tx.messages()) == 1


def test_a_full_disk_refuses_the_commit_and_the_transaction_goes_on(tx):
    sent = tx.send()
    health = tx.state.store.health
    health.refuse("no space")
    assert tx.end(sent, COMMIT).code == 14
    health.allow()
    assert tx.bodies() == []
    assert tx.end(sent, COMMIT).code == 0
    assert len(tx.messages()) == 1


def test_an_op_that_is_refused_is_written_later(tx):
    tx.end(tx.send(), ROLLBACK)
    tx.state.store.health.refuse("no space")
    tx.broker.pass_time(3_000)
    tx.state.store.health.allow()
    assert tx.ops() == []
    tx.broker.pass_time(1_000)
    assert tx.ops() == [b"0,"]


def test_a_slave_answers_slave_not_available_without_a_remark(tmp_path):
    tx = Transactions(tmp_path)
    sent = tx.send()
    tx.state.store.config.broker_role = "SLAVE"
    tx.broker.core.take_role()
    answer = tx.end(sent, COMMIT)
    assert (answer.code, answer.remark) == (11, None)
    tx.close()


@pytest.mark.parametrize(("release", "code"), [(V4_9_7, 0), (V5_5_0, 604)])
def test_only_a_check_ends_what_is_older_than_its_own_time(tmp_path, release, code):
    tx = Transactions(tmp_path, release)
    sent = tx.send(more="CHECK_IMMUNITY_TIME_IN_SECONDS\x018\x02")
    tx.broker.pass_time(8_001)
    answer = tx.end(sent, ROLLBACK)
    assert (answer.code, answer.remark) == (code, None)
    if code:
        assert tx.end(sent, ROLLBACK, from_transaction_check=True).code == 0
    tx.close()


def test_transactions_can_be_forbidden(tx):
    tx.state.config.reject_transaction_message = True
    answer = tx.send()
    assert (answer.code, answer.remark) == (
        16,
        "the broker[127.0.0.1] sending transaction message is forbidden",
    )


# --- RESUME_CHECK_HALF_MESSAGE


def resume(tx, message_id):
    header = ResumeCheckHalfMessageRequestHeader(msg_id=message_id)
    request = RemotingCommand.request(RequestCode.RESUME_CHECK_HALF_MESSAGE, header)
    return tx.producer.call(request)


def test_a_half_message_that_was_given_up_can_be_checked_again(tx):
    tx.state.config.transaction_check_max = 1
    tx.send()
    tx.check()
    assert tx.check() == []
    (given_up,) = tx.given_up()
    assert tx.state.transactions.metrics.counts["T"].count == 0
    assert resume(tx, given_up.message_id).code == 0
    assert tx.state.transactions.metrics.counts["T"].count == 1
    tx.broker.pass_time(1)
    (check,) = tx.check(60_000)
    assert tx.answer(check, COMMIT).code == 0
    assert len(tx.messages()) == 1


def test_what_still_waits_starts_over_when_it_is_resumed(tx):
    sent = tx.send()
    assert resume(tx, sent.ext_fields["msgId"]).code == 0
    tx.broker.pass_time(1)
    assert len(tx.check()) == 1


@pytest.mark.parametrize("message_id", ["", "zz", "7F00000100002A9F00000000000FFFFF"])
def test_nothing_else_can_be_resumed(tx, message_id):
    answer = resume(tx, message_id)
    assert answer.code == 1
    assert answer.remark.startswith("Exception was thrown when putting message back to")


def test_a_plain_message_or_an_ended_one_cant_be_resumed(tx):
    plain = tx.producer.call(requests.send())
    sent = tx.send()
    tx.end(sent, COMMIT)
    for answer in (plain, sent):
        assert resume(tx, answer.ext_fields["msgId"]).code == 1
    assert len(tx.halves()) == 1


def test_a_store_that_takes_nothing_refuses_to_resume(tx):
    sent = tx.send()
    tx.state.store.health.refuse("no space")
    answer = resume(tx, sent.ext_fields["msgId"])
    assert (answer.code, answer.remark) == (
        1,
        "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.",
    )
    tx.state.store.health.allow()


@pytest.mark.parametrize("more", ["", "A\x01b\x02TAGS\x01t\x02é\x01ü\x02", "DELAY\x013\x02"])
def test_a_half_message_of_a_moment_ago_is_what_the_log_has(tx, more):
    sent = tx.send(more=more, sys_flag=4 | 0x30, flag=7)
    transactions = tx.state.transactions
    offset = decode_offset_id(sent.ext_fields["msgId"])[2]
    recent = transactions.recent.take(offset)
    assert recent is not None
    assert transactions.recent.take(offset) is None
    of_log = transactions.look(offset)
    assert recent == of_log
    assert list(recent.properties) == list(of_log.properties)


def test_no_more_than_so_many_half_messages_are_kept(tx, monkeypatch):
    monkeypatch.setattr(recent_halves, "KEPT", 2)
    monkeypatch.setattr(recent_halves, "LONGEST", 4)
    sent = [
        tx.send(key=key, body=b"x" * size) for key, size in (("a", 1), ("b", 2), ("c", 4), ("d", 5))
    ]
    offsets = [decode_offset_id(one.ext_fields["msgId"])[2] for one in sent]
    recent = tx.state.transactions.recent
    assert [recent.take(offset) is not None for offset in offsets] == [False, True, True, False]
    assert all(tx.end(one, COMMIT).code == 0 for one in sent)


def test_half_messages_whose_records_get_a_crc_are_read_from_the_log(tmp_path):
    tx = Transactions(tmp_path, enabled_append_prop_crc=True)
    sent = tx.send()
    offset = decode_offset_id(sent.ext_fields["msgId"])[2]
    assert tx.state.transactions.recent.take(offset) is None
    assert tx.end(sent, COMMIT).code == 0
    tx.broker.close()
