"""What a whole broker counts of its connections and sends, asked for as mqadmin asks."""

from __future__ import annotations

import trio

from rmqwire.codec.command import RemotingCommand, encode_command
from tests.broker.test_replication import until
from tests.end_to_end.support import cluster
from tests.support import requests

VIEW_BROKER_STATS_DATA = 315


async def test_connections_and_sends_are_counted(tmp_path):
    async with cluster(tmp_path) as here:
        stats = here.server.core.state.stats
        async with here.wire() as wire:
            await wire.call(requests.send())
            beat = requests.heartbeat("c1", {"g": [requests.subscription("T")]})
            await wire.send(encode_command(beat))
            await wire.frame()  # the notice of the group's new member
            await wire.frame()
            before = stats.find("CHANNEL_ACTIVITY", "CONNECT").value
            assert before >= 1
            assert stats.find("CONSUMER_REGISTER_TIME", "DefaultCluster").times == 1
            for name, key in (("TOPIC_PUT_NUMS", "T"), ("TOPIC_PUT_LATENCY", "0@T")):
                view = RemotingCommand(VIEW_BROKER_STATS_DATA, {"statsName": name, "statsKey": key})
                assert (await wire.call(view)).code == 0, name
            nothing = {"statsName": "COMMERCIAL_SEND_TIMES", "statsKey": "T"}
            answer = await wire.call(RemotingCommand(VIEW_BROKER_STATS_DATA, nothing))
            assert answer.remark == "The stats <COMMERCIAL_SEND_TIMES> <T> not exist"
        with trio.fail_after(5):
            await until(lambda: stats.find("CHANNEL_ACTIVITY", "CLOSE") is not None)
        assert stats.find("CHANNEL_ACTIVITY", "IDLE") is None
