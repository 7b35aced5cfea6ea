"""Messages are printed as mqadmin prints them."""

from __future__ import annotations

import pytest

from rmqwire.admin.message_text import (
    PulledMessage,
    body_file_name,
    direct_result_text,
    index_key,
    message_text,
    printed_line,
    properties_text,
)
from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.bodies import ConsumeMessageDirectlyResult
from rmqwire.codec.message import StoredMessage

UNIQUE = "7F0000012B354E0E2F2A678A67D90004"


def message(**fields):
    properties = fields.pop("properties", {"UNIQ_KEY": UNIQUE, "TAGS": "TagA"})
    stored = StoredMessage(
        "goldt1",
        b"a\xff",
        properties,
        2,
        queue_offset=3,
        physical_offset=718,
        born_timestamp=1_795_226_400_123,
        store_timestamp=1_795_228_442_635,
        born_host=("127.0.0.1", 37822),
        store_host=("::1", 20911),
        body_crc=5,
        total_size=99,
        **fields,
    )
    return MessageExt.of(stored, "gold-a")


def test_properties_stand_in_the_order_of_java_s_map():
    # Recorded: queryMsgByOffset of mqadmin 5.5.0. Names of one bucket stay as the record has them.
    printed = (
        "{MSG_REGION=DefaultRegion, UNIQ_KEY=7F0000012B354E0E2F2A678A67D90004, CLUSTER=GoldCluster, "
        "MIN_OFFSET=0, TAGS=TagAsync, KEYS=ka2, WAIT=true, TRACE_ON=true, MAX_OFFSET=5}"
    )
    pairs = dict(part.split("=") for part in printed[1:-1].split(", "))
    assert properties_text(dict(sorted(pairs.items(), reverse=True))) == printed


def test_a_message_is_printed_as_java_s_to_string():
    text = message_text(PulledMessage(message(), 0, 5))
    assert text == (
        "MessageExt [brokerName=gold-a, queueId=2, storeSize=99, queueOffset=3, sysFlag=0, "
        "bornTimestamp=1795226400123, bornHost=/127.0.0.1:37822, storeTimestamp=1795228442635, "
        "storeHost=/[0:0:0:0:0:0:0:1]:20911, "
        "msgId=00000000000000000000000000000001000051AF00000000000002CE, commitLogOffset=718, bodyCRC=5, "
        "reconsumeTimes=0, preparedTransactionOffset=0, toString()=Message{topic='goldt1', flag=0, "
        f"properties={{UNIQ_KEY={UNIQUE}, MIN_OFFSET=0, TAGS=TagA, MAX_OFFSET=5}}, "
        "body=[97, -1], transactionId='null'}]"
    )


def test_a_half_message_has_the_id_of_a_transaction():
    half = message(properties={"TRAN_MSG": "true", "UNIQ_KEY": UNIQUE})
    assert f"transactionId='{UNIQUE}'" in message_text(PulledMessage(half, 0, 5))


def test_the_body_is_shown_in_a_charset_or_not_at_all():
    pulled = PulledMessage(message(), 0, 5)
    assert printed_line(pulled, "latin-1").endswith(" BODY: a\u00ff")
    assert printed_line(pulled, None).endswith(" BODY: NOT PRINT BODY")
    assert printed_line(pulled, "utf-8").startswith(f"MSGID: {UNIQUE} MessageExt [")


def test_the_key_of_the_index_begins_with_the_hour():
    # Recorded: queryMsgByKey of mqadmin 5.5.0.
    assert index_key(message(), "goldprops", "key1-gold", "K") == (
        f"1795226400000@goldprops@K@key1-gold@{UNIQUE}@718"
    )


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".", "..", "", "x" * 200, "a\nb"])
def test_a_producer_s_id_that_is_no_plain_name_gives_no_file_its_name(name):
    odd = message(properties={"UNIQ_KEY": name} if name else {})
    assert body_file_name(odd) == odd.offset_msg_id
    assert body_file_name(odd, 2) == f"{odd.offset_msg_id}_2"
    assert body_file_name(message()) == UNIQUE


def test_what_a_consumer_made_of_a_message():
    result = ConsumeMessageDirectlyResult(consume_result="CR_SUCCESS", spent_time_mills=3)
    assert direct_result_text(result) == (
        "ConsumeMessageDirectlyResult [order=false, autoCommit=true, consumeResult=CR_SUCCESS, "
        "remark=null, spentTimeMills=3]"
    )
    assert "consumeResult=null" in direct_result_text(ConsumeMessageDirectlyResult())


def test_a_line_of_print_msg_is_the_one_that_mqadmin_printed():
    # Recorded: printMsg of mqadmin 5.5.0.
    unique = "C00002024998D44EAD7894072F930001"
    printed = (
        f"MSGID: {unique} MessageExt [brokerName=java-a, queueId=1, storeSize=239, queueOffset=0, "
        "sysFlag=0, bornTimestamp=1795974698899, bornHost=/127.0.0.1:41694, "
        "storeTimestamp=1795974698905, storeHost=/127.0.0.1:49745, "
        "msgId=7F0000010000C25100000000000000EF, commitLogOffset=239, bodyCRC=1079248687, "
        "reconsumeTimes=0, preparedTransactionOffset=0, toString()=Message{topic='T_ee0dfdbf', flag=0, "
        f"properties={{MSG_REGION=DefaultRegion, UNIQ_KEY={unique}, CLUSTER=DefaultCluster, "
        "MIN_OFFSET=0, TAGS=TagA, KEYS=wanted, WAIT=true, TRACE_ON=true, MAX_OFFSET=2}, "
        "body=[109, 49], transactionId='null'}] BODY: m1"
    )
    stored = StoredMessage(
        "T_ee0dfdbf",
        b"m1",
        {
            "KEYS": "wanted",
            "MSG_REGION": "DefaultRegion",
            "UNIQ_KEY": unique,
            "CLUSTER": "DefaultCluster",
            "TAGS": "TagA",
            "WAIT": "true",
            "TRACE_ON": "true",
        },
        1,
        physical_offset=239,
        born_timestamp=1_795_974_698_899,
        born_host=("127.0.0.1", 41694),
        store_timestamp=1_795_974_698_905,
        store_host=("127.0.0.1", 49745),
        body_crc=1_079_248_687,
        total_size=239,
    )
    assert printed_line(PulledMessage(MessageExt.of(stored, "java-a"), 0, 2), "utf-8") == printed
