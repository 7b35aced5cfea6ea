from __future__ import annotations

import javaproperties
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.errors import ConfigError
from rmqwire.settings.properties import changed, dump, parse, read_text

TEXT = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=20)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_bytes(b"\xef\xbb\xbfbrokerName=a\n")
    assert parse(read_text(str(path))) == {"brokerName": "a"}
    assert changed(path.read_bytes(), {"x": "1"}) == b"brokerName=a\nx=1\n"


def test_a_file_in_utf_16_is_refused_in_words(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_bytes("brokerName=a".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"broker\.conf: not a properties file: it's UTF-16"):
        read_text(str(path))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.conf: can't be read: No such file"):
        read_text(str(tmp_path / "none.conf"))


@given(st.text(st.sampled_from("ab=: \t\f\r\n#!\x0b\x85\xa0é"), max_size=30))
def test_a_text_without_escapes_is_read_like_any_other(text):
    assert parse(text) == dict(javaproperties.loads(text))


@pytest.mark.parametrize("text", ["a=\\u12", "\\uzzzz=1"])
def test_a_bad_escape_is_refused(text):
    with pytest.raises(ConfigError, match="not a properties file"):
        parse(text)
    with pytest.raises(ConfigError, match="not a properties file"):
        changed(text.encode(), {"b": "1"})


def test_a_change_keeps_the_rest_of_the_file():
    data = b"# ours\nbrokerName = a\n\nfoo: bar\n"
    assert (
        changed(data, {"foo": "baz", "new": "1"}) == b"# ours\nbrokerName = a\n\nfoo=baz\nnew=1\n"
    )


@given(st.dictionaries(TEXT, TEXT, max_size=4))
def test_what_is_written_is_read_back(values):
    assert parse(dump(values)) == values
