from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.errors import ConfigError
from rmqwire.settings.forms import FORMS


@pytest.mark.parametrize(
    ("form", "text", "held"),
    [
        ("hours", "04", "04"),
        ("hours", "4;16", "4;16"),
        ("hours", "04; 16", "04;16"),
        ("folder", "/data/store", "/data/store"),
        ("folder", "store", "store"),
        ("folder", "/data/cost$", "/data/cost$"),
        ("folder", "/data/a~b", "/data/a~b"),
        ("host", "10.0.0.1", "10.0.0.1"),
        ("host", "mq.example.com", "mq.example.com"),
        ("host", "::1", "[::1]"),
        ("host", "[::1]", "[::1]"),
        ("host", "fe80::1%eth0", "[fe80::1]"),
        ("addresses", "", ""),
        ("addresses", "a:1", "a:1"),
        ("addresses", "a:1;b:2", "a:1;b:2"),
        ("addresses", "a:1; b:2;", "a:1; b:2;"),
        ("addresses", "[::1]:9876", "[::1]:9876"),
        ("networks", "10.0.0.0/8;192.168.1.1", "10.0.0.0/8;192.168.1.1"),
    ],
)
def test_text_of_a_form_is_held_as(form, text, held):
    assert FORMS[form](text) == held


@pytest.mark.parametrize(
    ("form", "text"),
    [
        *(("hours", text) for text in ("25", "24", "zz", "04:00", "", "04;", "-1", "4;x")),
        *(("folder", text) for text in ("", "/", "//", "~/store", "${user.home}/store")),
        *(("folder", text) for text in ("$HOME/store", "/data/$USER/store", "a\x00b", "${x")),
        ("log folder", "/a,/b"),
        *(("host", text) for text in ("10.0.0.1,10.0.0.2", "a b", "a;b", "http://a")),
        *(("addresses", text) for text in ("a", "a:", ":1", "a:x", "a:99999", "a:1;b")),
        *(("addresses", text) for text in ("a:1,b:2", "a:1 b:2")),
        ("networks", "nowhere"),
        ("delays", "1s foo"),
        ("name", "a..b"),
    ],
)
def test_text_of_another_form_is_refused(form, text):
    with pytest.raises(ConfigError):
        FORMS[form](text)


@given(st.sampled_from(sorted(FORMS)), st.text(max_size=30))
def test_what_is_held_is_held_again_as_it_is(form, text):
    try:
        held = FORMS[form](text)
    except ConfigError:
        return
    assert FORMS[form](held) == held
