"""Sends per second through one connection's core: decode, check, store, answer; no sockets.

Each pass brings FRAMES frames, as a busy connection does; the store writes to a folder on disk
without flushing. CPU time is measured, the kernel's included: other work on the machine disturbs it
less. Run it: ``python -m bench broker_inmemory [--release 4.9.7] [--rocketmq]``.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from pathlib import Path
from random import Random

from rmqwire.broker.core import BrokerCore
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.headers import SendMessageRequestHeaderV2
from rmqwire.codec.release import release_named
from rmqwire.disk.files import RealFiles
from rmqwire.remoting.connection import Connection
from rmqwire.store.config import StoreConfig

FRAMES = 32
BODY = b"x" * 128


def send_frame(serialize_type: int, number: int) -> bytes:
    header = SendMessageRequestHeaderV2(
        producer_group="benchmark_producer",
        topic="BenchmarkTest",
        default_topic="TBW102",
        default_topic_queue_nums=4,
        queue_id=number % 4,
        sys_flag=0,
        born_timestamp=1_795_228_300_000,
        flag=0,
        properties=f"KEYS\x01key{number}\x02UNIQ_KEY\x017F0000012B354E0E2F2A678A{number:08X}\x02WAIT\x01true\x02TAGS\x01TagA\x02",
        reconsume_times=0,
        unit_mode=False,
        batch=False,
        bname="broker-a",
    )
    command = RemotingCommand.request(310, header, BODY, serialize_type=serialize_type)
    return encode_command(command)


def build(folder: str, release_name: str) -> BrokerCore:
    loaded = LoadedConfig(
        BrokerConfig(broker_name="broker-a"),
        StoreConfig(store_path_root_dir=folder, mapped_file_size_commit_log=64 * 1024 * 1024),
        release_named(release_name),
        [],
    )
    core = BrokerCore(loaded, RealFiles(), lambda: time.time_ns() // 1_000_000, Random(1), pid=1)
    core.open()
    return core


def run(core: BrokerCore, data: bytes, passes: int) -> float:
    connection = Connection(core.handlers, "127.0.0.1:40000")
    connection.corked = True
    end_pass = core.state.store.puts.end_pass
    began = time.process_time()
    for _ in range(passes):
        connection.receive_data(data)
        end_pass()
        answers = connection.data_to_send()
    took = time.process_time() - began
    assert answers.count(b"DefaultRegion") == FRAMES
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", default="5.5.0")
    parser.add_argument("--rocketmq", action="store_true", help="binary headers")
    parser.add_argument("--passes", type=int, default=1000)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    data = b"".join(send_frame(int(args.rocketmq), i) for i in range(FRAMES))
    with tempfile.TemporaryDirectory() as folder:
        core = build(str(Path(folder) / "store"), args.release)
        run(core, data, 50)
        if args.profile:
            with cProfile.Profile() as profile:
                run(core, data, args.passes // 4)
            pstats.Stats(profile).sort_stats("tottime").print_stats(28)
        took = min(run(core, data, args.passes) for _ in range(3))
        core.close()
    count = args.passes * FRAMES
    kind = "ROCKETMQ" if args.rocketmq else "JSON"
    print(f"{args.release} {kind}: {took / count * 1e6:.1f} us of CPU per send")


if __name__ == "__main__":
    main()
