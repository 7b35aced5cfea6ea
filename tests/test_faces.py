"""The faces are what their tool writes, and differ from the trio classes in colour alone."""

import asyncio
import inspect
from types import SimpleNamespace

import pytest

from rmqwire import aio, blocking
from rmqwire.aio.listener import Loop
from tools import make_faces
from tools.face_twins import twin


def test_the_faces_are_what_the_tool_writes():
    pytest.importorskip("ruff", reason="ruff is in the extra [lint]")
    assert make_faces.main(["--check"]) == 0, "run python -m tools.make_faces"


def test_a_twin_says_the_same_without_waiting():
    text = """
        async def __aiter__(self) -> AsyncIterator[int]:
            async for one in self.many():  # not awaited: awaits
                yield await one
    """
    assert (
        twin(text)
        == """
        def __iter__(self) -> Iterator[int]:
            for one in self.many():  # not awaited: awaits
                yield one
    """
    )


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


CALLBACKS = {"listener", "queue_listener", "local"}


class Inner:
    """Stands for a trio object: remembers what is called with what."""

    def __init__(self, waits):
        self._waits = waits

    def __getattr__(self, name):
        def called(*args, **named):
            return name, args, named

        async def waited(*args, **named):
            return name, args, named

        return waited if name in self._waits else called


def callback(*_):
    return None


def arguments(method):
    """Return positional and keyword arguments, each its own name, for all of a method's parameters."""
    plain, named = [], {}
    for name, parameter in list(inspect.signature(method).parameters.items())[1:]:
        value = callback if name in CALLBACKS else f"<{name}>"
        if name == "timeout":
            named[name] = 20
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            plain.append(value)
    return plain, named


@pytest.mark.parametrize("colour", [blocking, aio])
@pytest.mark.parametrize(("module", "name"), make_faces.CLASSES)
def test_each_method_hands_its_arguments_on(colour, module, name):
    source = make_faces.Source(module, name)
    waits = {node.name for node in source.methods if "Async" in type(node).__name__}
    face = object.__new__(getattr(colour, name))
    face._behind = SimpleNamespace(inner=Inner(waits), is_open=False, is_foreign=False)
    face._loop = Loop()
    for node in source.methods:
        if node.name == "__init__":
            continue
        method = inspect.getattr_static(face, node.name)
        if isinstance(method, property):
            assert callable(getattr(face, node.name))
            continue
        plain, named = arguments(method)
        result = getattr(face, node.name)(*plain, **named)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        named.pop("timeout", None)
        if ast_returns_nothing(node):
            assert result is None
            continue
        called, args, keywords = result
        assert called == node.name
        assert [one for one in args if isinstance(one, str)] == [
            one for one in plain if isinstance(one, str)
        ]
        assert keywords.keys() == named.keys()


def ast_returns_nothing(node):
    return make_faces.ast.unparse(node.returns) == "None"
