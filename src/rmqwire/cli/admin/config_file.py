"""Files with lists of topics or groups, as ``updateTopicList`` and ``updateSubGroupList`` read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rmqwire.codec import java_json
from rmqwire.codec.bodies.base import Body
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

B = TypeVar("B", bound=Body)


def config_file_option(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``-f``.

    Args:
        kind: the Java class of what is in the file.
    """
    return click.option(
        "-f",
        "--filename",
        "path",
        type=click.Path(path_type=Path),
        required=True,
        help=f"A JSON list of {kind}.",
    )


def list_in(path: Path, wrapper: type[B], field: str) -> B:
    """Return the body that carries the list of a file.

    Args:
        path: of the file.
        wrapper: the body's class.
        field: its field, in Java's spelling.

    Raises:
        UsageError: the file can't be read, or has no such list.
    """
    try:
        text = path.read_bytes()
        found = java_json.loads(text)
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            return wrapper.decode(b'{"%s":%s}' % (field.encode(), text))
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
    except ProtocolError as error:
        raise click.UsageError(f"{path}: {error}") from None
    raise click.UsageError(f"{path}: not a JSON list of objects")
