from __future__ import annotations

import pytest

from rmqwire.filter.comments import without_line_comments


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a -- b\n c", f"a{' ' * 7}c"),
        ("a --\r\n b --\r c", f"a{' ' * 6}b{' ' * 5}c"),
        ("a -- b", "a -- b"),
        ("a\n--b", "a\n--b"),
        ("'a -- b\n' --c\nd", "'a -- b\n'     d"),
        ("'it''s -- \n' c", "'it''s -- \n' c"),
        ("/* -- \n */ --\n", "/* -- \n */    "),
        ("'open -- \n", "'open -- \n"),
        ("/* open -- \n", "/* open -- \n"),
        ("a - -b \n", "a - -b \n"),
    ],
)
def test_a_comment_to_the_end_of_its_line_is_blanks(text, code):
    assert without_line_comments(text) == code
    assert len(code) == len(text)
