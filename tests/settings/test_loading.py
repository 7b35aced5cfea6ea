from __future__ import annotations

import pytest

from rmqwire.codec.release import V5_5_0
from rmqwire.errors import ConfigError
from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group
from rmqwire.settings.loading import judge, value_of

KEYS = {
    key.name: key
    for key in (
        *group(HONOURED, "read", "ratio  int  75  75  clamped 10..95"),
        *group(MEANINGLESS, "no pools", "pool  int  8  8\nother  boolean  false  false"),
        *group(NOT_YET, "timers", "timers  boolean  false  false"),
        *group(REFUSED, "it would run open", "acl  boolean  false  false"),
        *group(REFUSED, "no TLS", "tls  String  permissive  permissive  permissive|disabled"),
    )
}


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"ratio": "80", "pool": "8", "timers": "false", "acl": "FALSE"}, []),
        ({"tls": "disabled"}, []),
        ({"foo": "1", "bar": "2"}, ["unknown keys, ignored: bar, foo"]),
        (
            {"pool": "9", "other": "true"},
            ["keys without meaning here, ignored: other, pool"],
        ),
        ({"timers": " true "}, ["timers=true: no effect yet: timers"]),
        ({"pool": "many"}, ["keys without meaning here, ignored: pool"]),
    ],
)
def test_what_is_ignored_is_said_in_one_line_of_its_kind(properties, said):
    assert judge(properties, KEYS, V5_5_0) == said


@pytest.mark.parametrize("properties", [{"acl": "true"}, {"acl": "yes"}, {"tls": "enforcing"}])
def test_what_would_be_dangerous_is_refused(properties):
    with pytest.raises(ConfigError, match="refused: "):
        judge(properties, KEYS, V5_5_0)


def test_another_value_than_the_given_one_is_said():
    warnings: list[str] = []
    assert value_of(KEYS["ratio"], {"ratio": "99"}, V5_5_0, warnings) == 95
    assert warnings == ["ratio=99: taken as 95, as RocketMQ does"]
    assert value_of(KEYS["ratio"], {}, V5_5_0, warnings) == 75
