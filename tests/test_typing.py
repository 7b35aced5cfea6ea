"""What a type checker says of programs that use the clients."""

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is in the extra [lint]")

HEAD = """\
from rmqwire import Client, Producer, PushConsumer

client = Client("127.0.0.1:9876", heartbeat_broker_interval=1_000)
"""
RIGHT = [
    'Producer("g", namesrv_addr="127.0.0.1:9876", send_msg_timeout=1_000)',
    'Producer("g", client=client, compress_type="LZ4")',
    'PushConsumer("g", client=client, consume_thread_max=4, pull_batch_size_in_bytes=None)',
]
WRONG = [
    ('Producer("g", send_msg_timout=1_000)', 'Unexpected keyword argument "send_msg_timout"'),
    ('Producer("g", send_msg_timeout="1s")', 'incompatible type "str"; expected "int"'),
    ('PushConsumer("g", sendMsgTimeout=1)', 'Unexpected keyword argument "sendMsgTimeout"'),
    ('PushConsumer("g", consume_in_threads="yes")', 'expected "bool"'),
    ('Client("a:1", consume_thread_max=4)', 'Unexpected keyword argument "consume_thread_max"'),
    ('Producer("g", client="127.0.0.1:9876")', 'expected "Client | None"'),
]


@pytest.mark.timeout(300)  # the first run has no cache
def test_right_keywords_pass_and_each_wrong_one_is_found(tmp_path):
    program = tmp_path / "program.py"
    first = HEAD.count("\n") + 1
    program.write_text("\n".join([HEAD.rstrip(), *RIGHT, *(line for line, _ in WRONG)]) + "\n")
    report, errors, _ = api.run(
        ["--strict", "--no-error-summary", "--hide-error-context", str(program)]
    )
    assert not errors
    found = {int(line.split(":")[1]): line for line in report.splitlines() if ": error: " in line}
    wrong = first + len(RIGHT)
    assert sorted(found) == [*range(wrong, wrong + len(WRONG))], report
    for number, (_, words) in enumerate(WRONG, wrong):
        assert words in found[number]
