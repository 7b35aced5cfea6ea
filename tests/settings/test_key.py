from __future__ import annotations

import pytest

from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0
from rmqwire.errors import ConfigError
from rmqwire.settings.key import HONOURED, attribute_of, group
from rmqwire.settings.rows import broker_conf, namesrv_conf
from rmqwire.settings.values import Checked, Range

TABLES = {**broker_conf.KEYS, **namesrv_conf.KEYS}


def row(text: str, **more: tuple[str, ...]):
    (key,) = group(HONOURED, "why", text, **more)
    return key


def test_a_row_has_a_default_for_each_release():
    key = row("flushIt  int  5  7  1..  live 2..9")
    assert (key.default(V4_9_7), key.default(V5_5_0)) == (5, 7)
    assert (key.values, key.live) == (Range(1, 2**31 - 1), Range(2, 9))


def test_a_release_without_the_key_behaves_as_the_row_says_or_as_the_others():
    assert row("new  boolean  (false)  true").default(V4_9_7) is False
    assert row("new  boolean  .  true").default(V4_9_7) is True
    assert "4.9.7" not in row("new  boolean  (false)  true").defaults


def test_a_default_may_hold_blanks_or_be_null_or_empty():
    assert row("delays  String  1s 5s  1s 5s").default(V5_5_0) == "1s 5s"
    assert row("path  String  -  -").default(V5_5_0) is None
    assert row('path  String  ""  ""').default(V5_5_0) == ""


def test_only_one_release_may_have_a_key():
    key = row("newest  double  10.0", columns=("5.5.1",))
    assert dict(key.defaults) == {"5.5.1": "10.0"}


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
@pytest.mark.parametrize("key", TABLES.values(), ids=TABLES)
def test_every_default_is_a_value_that_makes_sense(key, release):
    value = key.default(release)
    if value is None or (isinstance(value, str) and value.startswith("${")):
        return
    assert key.read(str(value)).value == value
    assert key.read(str(value)).note is None


def test_every_live_range_lies_within_the_file_s():
    for key in TABLES.values():
        if isinstance(key.live, Range):
            assert isinstance(key.values, Range)
            assert key.values.low <= key.live.low <= key.live.high <= key.values.high, key.name


def test_a_number_outside_goes_to_the_nearest_bound_where_rocketmq_does_so():
    key = row("ratio  int  75  75  clamped 10..95  live")
    assert key.read("99") == Checked(95, "ratio=99: taken as 95, as RocketMQ does")
    assert key.read("-3", live=True).value == 10
    assert key.read("50") == Checked(50)
    with pytest.raises(ConfigError, match="ratio=x: not a whole number"):
        key.read("x")


def test_blanks_around_a_value_do_not_count():
    assert row("hours  int  72  72  1..").read("24 ").value == 24


def test_names_of_attributes():
    assert attribute_of("brokerIP1") == "broker_ip1"
    assert attribute_of("checkCRCOnRecover") == "check_crc_on_recover"
    assert attribute_of("shortPollingTimeMills") == "short_polling_time_mills"
