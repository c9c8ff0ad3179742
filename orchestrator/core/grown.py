"""A sequence that only grows, and whose earlier forms stay as they are: each longer one shares what it holds.

A record gains a line with almost every event. Copying it for each would cost the square of its length, and
a scenario that talks much would stand still; here a line costs the same however long the record is.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, cast, overload

T = TypeVar("T")


class Grown(Sequence[T]):
    """Immutable to whoever holds it; equal to any sequence of the same items."""

    __slots__ = ("_count", "_held")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._held = list(items)
        self._count = len(self._held)

    def plus(self, item: T) -> "Grown[T]":
        """This one and an item more. In place where nobody has gone on from here yet, else on a copy."""
        longer = cast("Grown[T]", object.__new__(Grown))
        longer._held = self._held if len(self._held) == self._count else self._held[: self._count]
        longer._held.append(item)
        longer._count = self._count + 1
        return longer

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return islice(self._held, self._count)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple([self._held[at] for at in range(*index.indices(self._count))])
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return self._held[index % self._count]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(cast("Sequence[Any]", other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Grown({list(self)!r})"


def plus(held: Sequence[T], item: T) -> Grown[T]:
    """The sequence and an item more."""
    return (held if isinstance(held, Grown) else Grown(held)).plus(item)
