"""The faces are what their tool writes, and differ from the trio classes in colour alone."""

import inspect

import pytest

from rmqwire import aio, blocking
from tools import make_faces


def test_the_faces_are_what_the_tool_writes():
    assert make_faces.main(["--check"]) == 0, "run python -m tools.make_faces"


@pytest.mark.parametrize("colour", [blocking, aio])
@pytest.mark.parametrize(("module", "name"), make_faces.CLASSES)
def test_a_face_has_every_method_of_its_class(colour, module, name):
    theirs = make_faces.Source(module, name)
    face = getattr(colour, name)
    for node in theirs.methods:
        method = inspect.getattr_static(face, node.name)
        assert inspect.getdoc(method), node.name
        if "Async" in type(node).__name__ and colour is aio:
            assert inspect.iscoroutinefunction(method)


def test_no_face_tells_of_arguments_it_has_not():
    for colour in (blocking, aio):
        for name in make_faces.FACES:
            text = inspect.getdoc(getattr(colour, name))
            assert "wall_ms:" not in text
            assert "remoting:" not in text
            assert "``async with``" not in text or colour is aio


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("One.", "One.\n\nArgs:\n    timeout: T\n\nRaises:\n    TimeoutError: E"),
        ("One.\n\nMore.", "One.\n\nMore.\n\nArgs:\n    timeout: T\n\nRaises:\n    TimeoutError: E"),
        (
            "One.\n\nArgs:\n    a: A\n        more.",
            "One.\n\nArgs:\n    a: A\n        more.\n    timeout: T\n\nRaises:\n    TimeoutError: E",
        ),
        (
            "One.\n\nArgs:\n    a: A.\n\nRaises:\n    X: no.",
            "One.\n\nArgs:\n    a: A.\n    timeout: T\n\nRaises:\n    X: no.\n    TimeoutError: E",
        ),
        (
            "One.\n\nRaises:\n    X: no.",
            "One.\n\nArgs:\n    timeout: T\n\nRaises:\n    X: no.\n    TimeoutError: E",
        ),
    ],
)
def test_a_docstring_tells_of_the_timeout(text, wanted):
    told = wanted.replace(
        "timeout: T", "timeout: seconds for all of it; None for as long as it takes."
    )
    told = told.replace("TimeoutError: E", "TimeoutError: it took longer than ``timeout``.")
    assert make_faces.with_timeout(text) == told
