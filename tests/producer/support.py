"""A producer that sends to a cluster in memory."""

from random import Random

from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode
from rmqwire.producer.producer import Producer
from tests.client.fake_cluster import NAMESRV

R = RequestCode
NOW = 1_700_000_000_000


def producer(cluster, **config):
    return Producer(
        "pg",
        namesrv_addr=config.pop("namesrv_addr", NAMESRV),
        remoting=cluster.remoting,
        wall_ms=lambda: NOW,
        rng=Random(7),
        **config,
    )


def sends(cluster):
    return [
        (addr, command.decode_header(h.SendMessageRequestHeaderV2))
        for addr, command in cluster.requests
        if command.code in {R.SEND_MESSAGE_V2, R.SEND_BATCH_MESSAGE}
    ]
