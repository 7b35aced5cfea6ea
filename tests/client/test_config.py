import json
from pathlib import Path

import pytest

from rmqwire.auth.credentials import Credentials
from rmqwire.client.config import ClientConfig, camel_case, make_config
from rmqwire.client.message_ext import BodyReading
from rmqwire.codec.release import V4_9_7
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.pull_config import LitePullConsumerConfig, PullConsumerConfig
from rmqwire.errors import UsageError
from rmqwire.producer.config import ProducerConfig

KEYS = json.loads(
    (Path(__file__).parents[1] / "data" / "protocol" / "client_config_keys.json").read_text()
)
OURS = {  # settings that are no Java key, or whose default is ours on purpose
    "credentials",
    "release",
    "tls",  # useTLS, and system properties
    "serialize_type",
    "consume_in_threads",
    "consume_orderly",  # the kind of its listener there
    "retry_response_codes",
    "start_detector_enable",
    "await_termination_millis_when_shutdown",
    "batch_max_delay_ms",  # -1 there: the accumulator has its own, and so the next two
    "batch_max_bytes",
    "total_batch_max_bytes",
    "pull_batch_size_in_bytes",
    "client_ip",
    "consume_timestamp",
    "local_offset_store_dir",  # a system property there
    "namesrv_addr",
    "address_server",  # a system property there
    "latency_max",  # MQFaultStrategy's, and so the next
    "not_available_duration",
    "connect_broker_by_user",  # PullAPIWrapper's, and so the next
    "default_broker_id",
    "pull_thread_nums",  # of a lite pull consumer there, and of MQPullConsumerScheduleService
}


@pytest.mark.parametrize(
    ("cls", "java"),
    [
        (ClientConfig, "ClientConfig"),
        (ProducerConfig, "DefaultMQProducer"),
        (PushConsumerConfig, "DefaultMQPushConsumer"),
        (LitePullConsumerConfig, "DefaultLitePullConsumer"),
        (PullConsumerConfig, "DefaultMQPullConsumer"),
    ],
)
def test_names_and_defaults_are_javas(cls, java):
    table = {entry["name"]: entry.get("both") or entry.get("5.5.0") for entry in KEYS[java]}
    config = cls()
    for name in cls.__dataclass_fields__:
        if name in OURS:
            continue
        entry = table[camel_case(name)]
        assert getattr(config, name) == entry["default"], name


@pytest.mark.parametrize(
    ("settings", "client_id"),
    [
        ({}, "10.0.0.9@DEFAULT"),
        ({"instance_name": "i"}, "10.0.0.9@i"),
        ({"instance_name": "i", "unit_name": "u"}, "10.0.0.9@i@u"),
        ({"unit_name": " "}, "10.0.0.9@DEFAULT"),
        ({"enable_stream_request_type": True}, "10.0.0.9@DEFAULT@STREAM"),
        ({"unit_name": "u", "enable_stream_request_type": True}, "10.0.0.9@DEFAULT@u@STREAM"),
    ],
)
def test_client_id(settings, client_id):
    assert ClientConfig(client_ip="10.0.0.9", **settings).client_id() == client_id


def test_default_instance_name_becomes_unique():
    config = ClientConfig(client_ip="10.0.0.9")
    config.change_instance_name_to_pid(42, 7)
    assert config.client_id() == "10.0.0.9@42#7"
    named = ClientConfig(client_ip="10.0.0.9", instance_name="mine")
    named.change_instance_name_to_pid(42, 7)
    assert named.client_id() == "10.0.0.9@mine"


def test_properties_have_javas_names():
    properties = PushConsumerConfig(client_ip="1.2.3.4", unit_mode=True).as_properties()
    assert properties["clientIP"] == "1.2.3.4"
    assert properties["unitMode"] == "true"
    assert properties["consumeFromWhere"] == "CONSUME_FROM_LAST_OFFSET"
    assert "unitName" not in properties


def test_credentials_are_no_properties():
    credentials = Credentials("key", "canary")
    assert "canary" not in str(ClientConfig(credentials=credentials).as_properties())
    assert "canary" not in repr(ClientConfig(credentials=credentials))


def test_unknown_and_bad_settings():
    with pytest.raises(UsageError, match="no such setting: a, b"):
        make_config(ClientConfig, {"b": 1, "a": 1})
    with pytest.raises(UsageError, match=r"pollNameServerInterval Out of range \[1, 2147483647\]"):
        make_config(ClientConfig, {"poll_name_server_interval": 0})


def test_timestamp_to_start_from():
    config = PushConsumerConfig()
    assert config.consume_timestamp_ms(10_000_000) == 10_000_000 - 30 * 60_000
    config.consume_timestamp = "20240102030405"
    assert config.consume_timestamp_ms(0) % 1000 == 0
    assert config.consume_timestamp_ms(0) > 1_700_000_000_000


def test_pull_bytes_follow_the_release():
    assert PushConsumerConfig().pull_bytes() == 262_144
    assert PushConsumerConfig(pull_batch_size_in_bytes=5).pull_bytes() == 5
    assert PushConsumerConfig(pull_batch_size_in_bytes=5, release=V4_9_7).pull_bytes() is None


@pytest.mark.parametrize(
    ("read", "decompress", "reading"),
    [
        (True, True, BodyReading.WHOLE),
        (True, False, BodyReading.AS_STORED),
        (False, True, BodyReading.NONE),
        (False, False, BodyReading.NONE),
    ],
)
def test_how_bodies_are_read(read, decompress, reading):
    config = ClientConfig(decode_read_body=read, decode_decompress_body=decompress)
    assert config.body_reading is reading


def test_a_fault_table_has_a_duration_for_each_latency():
    latencies = {"namesrv_addr": "x:1", "latency_max": (100, 1_000)}
    config = make_config(ProducerConfig, {**latencies, "not_available_duration": [0, 5_000]})
    assert config.fault_table() == [(100, 0), (1_000, 5_000)]
    for durations in (None, (1,), (1, 2, 3)):
        with pytest.raises(UsageError, match="a duration for each latency"):
            make_config(ProducerConfig, {**latencies, "not_available_duration": durations})


def test_topics_to_look_up_have_names_of_topics():
    with pytest.raises(UsageError, match="illegal characters"):
        make_config(ProducerConfig, {"topics": ["a b"]})


def test_a_socks_proxy_is_refused_with_a_reason():
    ClientConfig(namesrv_addr="x:1", socks_proxy_config="{}").check()
    with pytest.raises(UsageError, match="SOCKS isn't spoken"):
        ClientConfig(namesrv_addr="x:1", socks_proxy_config='{"0.0.0.0/0":{}}').check()
