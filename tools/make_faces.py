"""Write the clients' faces for threads and for asyncio from the trio classes.

    python -m tools.make_faces [--check]

``blocking/faces.py`` and ``aio/faces.py`` are committed, and so are the twins of ``face_twins``. ``--check``
writes nothing and fails when they are not what would be written.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import indent

from tools.face_twins import MODULES, twin

ROOT = Path(__file__).parent.parent
CLASSES = (
    ("rmqwire.client.client", "Client"),
    ("rmqwire.client.mq_admin", "MQAdmin"),
    ("rmqwire.producer.producer", "Producer"),
    ("rmqwire.producer.transaction", "TransactionProducer"),
    ("rmqwire.consumer.push", "PushConsumer"),
    ("rmqwire.consumer.lite_pull", "LitePullConsumer"),
    ("rmqwire.consumer.lite_push", "LitePushConsumer"),
    ("rmqwire.consumer.pull", "PullConsumer"),
)
FACES = {name for _, name in CLASSES}
OURS = {"remoting", "wall_ms", "rng"}  # arguments for tests of the trio classes
CALLED = {
    "ConcurrentListener": "_first_listener",
    "Listener": "_listener",
    "QueueListener": "_callback",
    "TopicListener": "_callback",
    "TransactionCheck": "_function",
    "LocalTransaction": "_function",
    "PullTask": "_task",
}
BASES = {  # Consuming, Sending and Transacting are written by hand for asyncio
    "MQAdmin": "Face[A]",
    "PullConsumer": "MQAdmin[TrioPullConsumer]",
    "PushConsumer": "Consuming, MQAdmin[TrioPushConsumer]",
    "Producer": "Sending, MQAdmin[TrioProducer]",
    "TransactionProducer": "Transacting, Producer",
}
BY_HAND = {
    ("PushConsumer", "on"),
    ("PushConsumer", "batches"),
    ("Producer", "begin_send"),
    ("Producer", "begin_now"),
    ("Producer", "send_soon"),
    ("Producer", "send_many"),
    ("TransactionProducer", "transaction"),
}
SHORTER = {("Producer", "send"): "_send"}  # a way of its own, written by hand in sending.py
REOPENS = {"Client", "Producer", "TransactionProducer"}  # in a forked process
DEFAULTS = {  # a thread's listener may block
    ("blocking", name): 'config.setdefault("consume_in_threads", True)'
    for name in ("PushConsumer", "LitePushConsumer")
}
TIMEOUT = "timeout: float | None = None"


@dataclass(frozen=True)
class Colour:
    """One kind of face.

    Args:
        package: where it is written.
        opening: how its objects are used.
        head: the docstring of the module.
        awaits: whether its methods are coroutines.
    """

    package: str
    opening: str
    head: str
    awaits: bool


BLOCKING = Colour("blocking", "``with``", "The clients for plain threads.", awaits=False)
AIO = Colour("aio", "``async with``", "The clients for asyncio.", awaits=True)


class Source:
    """One trio class and the imports of its module."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name
        tree = ast.parse(Path(str(import_module(module).__file__)).read_text("utf-8"))
        self.imports = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__"
            for alias in node.names
        }
        self.own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)} | {
            node.target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        (self.node,) = (
            node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name
        )

    @property
    def methods(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The constructor, then what users call."""
        return [
            node
            for node in self.node.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.name == "__init__" or not node.name.startswith("_"))
            and (self.name, node.name) not in BY_HAND
        ]


class Writer:
    """Writes one module of faces."""

    def __init__(self, colour: Colour) -> None:
        self.colour = colour
        self.typed: dict[str, tuple[str, str]] = {}  # names in annotations -> where they are from
        self.used: dict[str, tuple[str, str]] = {}  # names in defaults

    def module(self) -> str:
        """Return the text of the module."""
        sources = [Source(*one) for one in CLASSES]
        classes = "\n\n\n".join(self._class(source) for source in sources)
        lines = [
            f'"""{self.colour.head} Written by ``tools/make_faces.py`` from the trio classes."""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import TYPE_CHECKING, TypeVar",
            "",
            f"from rmqwire.{self.colour.package}.consuming import Consuming",
            f"from rmqwire.{self.colour.package}.face import Face",
            f"from rmqwire.{self.colour.package}.sending import Sending, Transacting",
            *(f"from {s.module} import {s.name} as Trio{s.name}" for s in sources),
            *self._imports(self.used),
            "",
            "if TYPE_CHECKING:",
            *(f"    {line}" for line in self._imports(self.typed, self.used)),
            "",
            'A = TypeVar("A", bound=TrioMQAdmin)',
        ]
        return "\n".join(lines) + "\n\n\n" + classes + "\n"

    @staticmethod
    def _imports(
        names: dict[str, tuple[str, str]], already: dict[str, tuple[str, str]] | None = None
    ) -> list[str]:
        return sorted(
            f"from {module} import {name}" + (f" as {alias}" if alias != name else "")
            for alias, (module, name) in names.items()
            if alias not in (already or {})
        )

    def _class(self, source: Source) -> str:
        name = source.name
        doc = ast.get_docstring(source.node) or ""
        base = BASES.get(name, f"Face[Trio{name}]")
        parts = [f"class {name}({base}):", indent(self._doc(doc, 4), " " * 4)]
        if name in REOPENS and not self.colour.awaits:
            parts.append("\n    reopens = True\n")
        parts += ["\n" + indent(self._method(source, node), " " * 4) for node in source.methods]
        return "\n".join(parts)

    def _doc(self, text: str, margin: int, *, timed: bool = False) -> str:
        """Return a docstring of the face, without arguments that it doesn't have."""
        lines: list[str] = []
        skipping = False
        for line in text.split("\n"):
            entry = line.strip().partition(":")[0]
            if line.startswith("    ") and not line.startswith("     "):
                skipping = entry in OURS
            elif not line.startswith("     "):
                skipping = False
            if not skipping:
                lines.append(line)
        text = "\n".join(lines).replace(
            "use it as ``async with``", f"use it as {self.colour.opening}"
        )
        if not self.colour.awaits:
            text = text.replace("``async with``", "``with``")
        if timed:
            text = with_timeout(text)
        end = "\n" if "\n" in text else ""
        return f'"""{text}{end}"""'

    def _method(self, source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        if node.name == "__init__":
            return self._constructor(source, node)
        if any(ast.unparse(one) == "property" for one in node.decorator_list):
            return self._property(source, node)
        waits = isinstance(node, ast.AsyncFunctionDef)
        self._note(source, node)
        arguments = _signature(node, timed=waits)
        word = "async def" if waits and self.colour.awaits else "def"
        behind = "_transacting" if source.name == "TransactionProducer" else "_inner"
        passed = ", ".join(_passed(node))
        inner = f"self.{behind}.{node.name}, {passed}" if passed else f"self.{behind}.{node.name}"
        if not waits:
            body = f"return self._now({inner})"
        else:
            call = SHORTER.get((source.name, node.name))
            wait = (
                f"self._wait(timeout, {inner})"
                if call is None
                else f"self.{call}(timeout, {passed})"
            )
            body = f"return {'await ' if self.colour.awaits else ''}{wait}"
        if node.returns is not None and ast.unparse(node.returns) == "None":
            body = body.removeprefix("return ")
        returns = ast.unparse(node.returns) if node.returns else "None"
        doc = self._doc(ast.get_docstring(node) or "", 8, timed=waits)
        head = f"{word} {node.name}({arguments}) -> {returns}:"
        return "\n".join([head, indent(doc, " " * 4), f"    {body}"])

    def _property(self, source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        self._note(source, node)
        returns = ast.unparse(node.returns) if node.returns else "object"
        return "\n".join([
            "@property",
            f"def {node.name}(self) -> {returns}:",
            indent(self._doc(ast.get_docstring(node) or "", 8), " " * 4),
            f"    inner = self._inner\n    return self._now(lambda: inner.{node.name})",
        ])  # fmt: skip

    def _constructor(self, source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        kept = [one for one in node.args.kwonlyargs if one.arg not in OURS]
        defaults = [
            default
            for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if one.arg not in OURS
        ]
        node.args.kwonlyargs, node.args.kw_defaults = kept, defaults
        self._note(source, node)
        passed = ", ".join(_passed(node)).replace("=client", "=self._shared(client)")
        lines = [
            f"def __init__({_signature(node)}) -> None:",
            f"    Face.__init__(self, lambda: Trio{source.name}({passed}))",
        ]
        if (default := DEFAULTS.get((self.colour.package, source.name))) is not None:
            lines.insert(1, f"    {default}")
        return "\n".join(lines)

    def _note(self, source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Note what the signature needs to be imported."""
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.kwarg]
        annotations = [one.annotation for one in every if one is not None and one.annotation]
        for annotation in [*annotations, *([node.returns] if node.returns else [])]:
            self._note_names(source, annotation, self.typed)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self._note_names(source, default, self.used)

    def _note_names(self, source: Source, node: ast.AST, found: dict[str, tuple[str, str]]) -> None:
        for one in ast.walk(node):
            if not isinstance(one, ast.Name) or one.id in FACES:
                continue
            if one.id in source.imports:
                found[one.id] = source.imports[one.id]
            elif one.id in source.own:
                found[one.id] = (source.module, one.id)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, *, timed: bool = False) -> str:
    text = ast.unparse(node.args)
    if not timed:
        return text
    if node.args.kwarg or node.args.vararg:
        raise SystemExit(f"{node.name}: where is its timeout to go?")
    return f"{text}, {TIMEOUT}" if node.args.kwonlyargs else f"{text}, *, {TIMEOUT}"


def _passed(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the arguments of a call with the method's own parameters."""
    plain = [_value(one) for one in [*node.args.posonlyargs, *node.args.args][1:]]
    named = [f"{one.arg}={_value(one)}" for one in node.args.kwonlyargs]
    rest = [f"**{node.args.kwarg.arg}"] if node.args.kwarg else []
    return [*plain, *named, *rest]


def _value(argument: ast.arg) -> str:
    kinds = {
        one.id for one in ast.walk(argument.annotation or argument) if isinstance(one, ast.Name)
    }
    for kind, wrap in CALLED.items():
        if kind in kinds:
            return f"self.{wrap}({argument.arg})"
    return argument.arg


def with_timeout(text: str) -> str:
    """Add the face's own argument and its error to a docstring."""
    argument = "    timeout: seconds for all of it; None for as long as it takes.\n"
    error = "    TimeoutError: it took longer than ``timeout``.\n"
    text = text.rstrip() + "\n"
    if "\nArgs:\n" in text:
        before, _, after = text.partition("\nArgs:\n")
        block, gap, tail = after.partition("\n\n")
        text = f"{before}\nArgs:\n{block.rstrip()}\n{argument.rstrip()}\n" + (
            f"\n{tail}" if gap else ""
        )
    elif "\nRaises:\n" in text:
        text = text.replace("\nRaises:\n", f"\nArgs:\n{argument}\nRaises:\n", 1)
    else:
        text = f"{text}\nArgs:\n{argument}"
    if "\nRaises:\n" in text:
        return (text.rstrip() + "\n" + error).rstrip()
    return (text.rstrip() + f"\n\nRaises:\n{error}").rstrip()


def text_of(colour: Colour) -> str:
    """Return the module of a colour as it is committed, formatted."""
    return _formatted(Writer(colour).module(), path_of(colour))


def _formatted(text: str, path: Path) -> str:
    name = str(path.relative_to(ROOT))
    fix = ["ruff", "check", "-q", "--select", "I,TC,F401", "--fix-only", "--stdin-filename", name]
    return _run(["ruff", "format", "-q", "--stdin-filename", name, "-"], _run([*fix, "-"], text))


def _run(command: list[str], text: str) -> str:
    tool = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [str(tool), *command[1:]], input=text, capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout


def path_of(colour: Colour, module: str = "faces") -> Path:
    """Return where a module of a colour is."""
    return ROOT / "src/rmqwire" / colour.package / f"{module}.py"


def written() -> dict[Path, str]:
    """Return all modules that are written here."""
    found = {path_of(colour): text_of(colour) for colour in (BLOCKING, AIO)}
    for module in MODULES:
        path = path_of(BLOCKING, module)
        found[path] = _formatted(twin(path_of(AIO, module).read_text("utf-8")), path)
    return found


def main(arguments: list[str]) -> int:
    """Write or check the modules."""
    stale = {path: text for path, text in written().items() if text != _old(path)}
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)}: to be written by python -m tools.make_faces")
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
    return 1 if stale and "--check" in arguments else 0


def _old(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
