from __future__ import annotations

from rmqwire.codec import sys_flag
from tests.support import golden


def test_the_bits_are_java_s():
    table = golden.protocol_table("constants")
    for name, value in table["MessageSysFlag"]["both"].items():
        assert getattr(sys_flag, name) == value, name
    for name, value in table["PullSysFlag"]["both"].items():
        assert getattr(sys_flag, name.replace("FLAG_", "PULL_")) == value, name
    for name, value in table["TopicSysFlag"]["both"].items():
        assert getattr(sys_flag, name.replace("FLAG_", "TOPIC_")) == value, name
    for name, value in table["PermName"]["4.9.7"].items():
        assert getattr(sys_flag, name) == value, name


def test_the_transaction_type_is_replaced():
    flags = sys_flag.reset_transaction_type(0x305, sys_flag.TRANSACTION_COMMIT_TYPE)
    assert flags == 0x309
    assert sys_flag.transaction_type(flags) == sys_flag.TRANSACTION_COMMIT_TYPE


def test_a_pull_s_options_are_joined():
    flags = sys_flag.build_pull_sys_flag(
        commit_offset=True, suspend=True, subscription=False, class_filter=True, lite=True
    )
    assert flags == 1 | 2 | 8 | 16


def test_a_permission_is_written_as_java_s_tools_do():
    assert [sys_flag.perm_to_string(perm) for perm in (6, 4, 2, 7, 0)] == [
        "RW-",
        "R--",
        "-W-",
        "RWX",
        "---",
    ]
