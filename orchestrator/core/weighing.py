"""What an evaluation costs, in passes: bounded at load, so that no expression runs long.

One pass for the expression, one more for each body of a loop that it runs through (the members of the kind,
once for each pass of the loop around it), and what the derived variables it reads cost, as often as it reads
them: loops in derived variables that read each other multiply.
"""

from collections.abc import Iterable, Mapping

from orchestrator.core.exprtypes import Compiled

MOST_PASSES = 20_000
"""Of one evaluation."""
MOST_DEEP = 24
"""Derived variables that read each other in a row: each is a call inside the last one's."""


class Weigher:
    """Costs of evaluations in passes, from the costs of the derived variables."""

    def __init__(self, codes: Mapping[str, Compiled]) -> None:
        """`codes`: `kind.variable` -> what it is derived by."""
        self.wrong: list[tuple[str, str]] = []
        """(`kind.variable`, what is wrong with it)."""
        self._costs: dict[str, int] = {}
        order, circles = ordered({key: [name for name, _ in code.derived] for key, code in codes.items()})
        self.wrong += [(key, f"'{key}' is derived from itself") for key in circles]
        depths: dict[str, int] = {}
        for key in order:
            cost = self.of(codes[key])
            depth = 1 + max((depths.get(name, 0) for name, _ in codes[key].derived), default=0)
            if cost > MOST_PASSES:
                self.wrong.append((key, too_much(codes[key].text, cost)))
                cost = 1  # said once, and not again by all that read it
            if depth > MOST_DEEP:
                self.wrong.append((key, f"more than {MOST_DEEP} derived variables read each other in a row"))
                depth = 0
            self._costs[key], depths[key] = cost, depth

    def of(self, code: Compiled) -> int:
        """Passes of one evaluation at most."""
        if not code.derived:
            return code.passes
        return code.passes + sum(times * self._costs.get(name, 1) for name, times in code.derived)

    def derived_cost(self, key: str) -> int:
        """Passes of one reading of `kind.variable`; a variable that is stored costs one."""
        return self._costs.get(key, 1)

    def all(self, codes: Iterable[Compiled | None]) -> int:
        return sum(self.of(code) for code in codes if code is not None)


def too_much(text: str, cost: int) -> str:
    """The sentence for an expression that would run long."""
    shown = " ".join(text.split())[:60]
    return (
        f"'{shown}' may take {cost:,} passes through loops and derived variables to evaluate, at most {MOST_PASSES:,}"
    )


def ordered(reads: Mapping[str, Iterable[str]]) -> tuple[list[str], list[str]]:
    """(the names so that each stands after those it reads, those that read each other in a circle)."""
    needs = {key: {name for name in names if name in reads} for key, names in reads.items()}
    readers: dict[str, set[str]] = {key: set() for key in reads}
    for key, names in needs.items():
        for name in names:
            readers[name].add(key)
    order = _peeled(needs, readers)
    left = {key for key in reads if key not in set(order)}
    above = _peeled({key: readers[key] & left for key in left}, {key: needs[key] & left for key in left})
    return order, [key for key in reads if key in left.difference(above)]


def _peeled(needs: Mapping[str, set[str]], readers: Mapping[str, set[str]]) -> list[str]:
    """The names whose needs can all be met, in an order that meets them."""
    open_ = {key: len(names) for key, names in needs.items()}
    order = [key for key, count in open_.items() if count == 0]
    for key in order:  # grows while it is read
        for reader in readers[key]:
            open_[reader] -= 1
            if open_[reader] == 0:
                order.append(reader)
    return order
