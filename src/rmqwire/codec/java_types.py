"""Java's types in annotations, where Python has one type for several of Java's."""

from typing import Annotated, Final, TypeAlias, TypeVar

from msgspec import Meta

K = TypeVar("K")
V = TypeVar("V")

Int: TypeAlias = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
Long: TypeAlias = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]

SET: Final = "java.util.Set"
CONCURRENT_MAP: Final = "java.util.concurrent.ConcurrentMap"
SetOf: TypeAlias = Annotated[list[V], SET]
"""A Set, kept in the order it came in; a List is a plain ``list``."""
ConcurrentMapOf: TypeAlias = Annotated[dict[K, V], CONCURRENT_MAP]
"""A map that takes no nulls."""
