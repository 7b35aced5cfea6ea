"""Conditions (SQL92): what a consumer asks brokers before it starts."""

import pytest

from rmqwire.broker_errors import SubscriptionParseFailed
from rmqwire.codec.bodies import CheckClientRequestBody
from rmqwire.codec.codes import RequestCode
from rmqwire.consumer.selector import MessageSelector
from tests.client.fake_cluster import broker_addr
from tests.consumer.support import Seen, consumer, settle

R = RequestCode


async def test_a_broker_is_asked_about_conditions_before_the_group_is_joined(
    cluster, autojump_clock
):
    c = consumer(cluster)
    c.subscribe("T", MessageSelector.by_sql("a > 5"), Seen())
    async with c:
        await settle()
    codes = [command.code for _, command in cluster.requests]
    assert codes.index(R.CHECK_CLIENT_CONFIG) < codes.index(R.HEART_BEAT)
    (request,) = cluster.codes(R.CHECK_CLIENT_CONFIG)
    body = CheckClientRequestBody.decode(bytes(request.body))
    assert (body.client_id, body.group) == (c.client_id, "cg")
    told = body.subscription_data
    assert (told.topic, told.sub_string, told.expression_type) == ("T", "a > 5", "SQL92")
    (told,) = [
        one
        for one in cluster.heartbeats[-1][1].consumer_data_set[0].subscription_data_set
        if one.topic == "T"
    ]
    assert (told.sub_string, told.expression_type) == ("a > 5", "SQL92")


async def test_a_condition_that_is_refused_keeps_the_consumer_from_starting(
    cluster, autojump_clock
):
    c = consumer(cluster)
    c.subscribe("T", MessageSelector.by_sql("a > 'x'"), Seen())
    with pytest.raises(SubscriptionParseFailed, match="Value ''x'' cannot be compared"):
        await c.__aenter__()
    assert not cluster.heartbeats
    assert not cluster.clients


async def test_a_condition_that_nobody_can_check_is_taken_for_right(
    cluster, autojump_clock, caplog
):
    cluster.down.add(broker_addr("a"))
    c = consumer(cluster)
    c.subscribe("T", MessageSelector.by_sql("a >"), Seen())
    c.subscribe("Later", MessageSelector.by_sql("a >"), Seen())
    async with c:
        assert "the condition for T isn't checked" in caplog.text


async def test_tags_are_not_checked(cluster, autojump_clock):
    c = consumer(cluster)
    c.subscribe("T", MessageSelector.by_tag("a || b"), Seen())
    async with c:
        await settle()
    assert not cluster.codes(R.CHECK_CLIENT_CONFIG)
    assert cluster.subscribed_tags("cg", "T") == ["a", "b"]
