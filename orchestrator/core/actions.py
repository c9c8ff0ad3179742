"""What a seat may do, as an author writes it: actions with their targets, parameters and costs, and the free move."""

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.core.parts import Effects, Expr, Ident, Label, Names, Template, as_tuple
from orchestrator.core.value import Value


def _as_actors(value: Any) -> Any:
    if isinstance(value, dict) and list(cast("dict[str, Any]", value)) == ["kind"]:
        return (cast("dict[str, Any]", value)["kind"],)
    return as_tuple(value)


Actors = Annotated[tuple[str, ...], BeforeValidator(_as_actors)]
"""Names of seats, groups, entities played or kinds played; `{kind: nation}` is all who play one of that kind."""


class Target(Value):
    kind: Ident | None = None
    """Of this kind,"""
    process: Ident | None = None
    """or an instance of this process that is running."""
    where: Expr = "True"
    """`target` is in scope; only what the actor may see."""
    self_: bool = Field(False, alias="self")
    """Whether one may act on the entity one plays."""

    @model_validator(mode="after")
    def _one(self) -> "Target":
        if (self.kind is None) == (self.process is None):
            raise ValueError("needs `kind` or `process`, and only one")
        return self


class Failure(Effects):
    """What happens where an action's own chance fails."""


class Action(Effects):
    """Something a seat may choose."""

    label: Template
    """Its name in the menu: a verb in the imperative first ("Sue {target} over the widget")."""
    purpose: Template
    """What it brings and why one would, in at most a dozen words."""
    by: Actors
    """Seats, groups or kinds played; `{kind: nation}` is every seat that plays a nation."""
    target: Target | None = None
    """What it is aimed at: the menu has one move for each possible target."""
    params: dict[Ident, "Param"] = {}
    """What the move chooses beside its target."""
    needs: Annotated[tuple[Expr, ...], BeforeValidator(as_tuple)] = ()
    """Only what the actor may see: else the menu leaks. Hidden causes go to `chance`."""
    costs: dict[str, Expr] = {}
    """`self.variable` -> amount, reserved in the actor's own order."""
    chance: Expr = "1"
    """That it succeeds once it is carried out."""
    fails: Failure | None = None
    """What happens where `chance` is against it; its costs are paid all the same."""
    visibility: Literal["public", "addressee", "self"] = "public"
    """Who sees it done; a line is spoken only where it is public."""
    stem: Template = ""
    """How a spoken line about it begins ("We have raised the fine in the file, because")."""
    repeat: bool = False
    """May be chosen again in the round after it was carried out."""
    beside: bool = False
    """Beside the turn: it takes none of `turns.actions_per_turn` (at most eight such moves a turn)."""
    words: bool = False
    """It is made of words: who reads them is who sees it done, and without words it is not worth choosing."""


class Param(Value):
    """A parameter of an action: one of a few names or small integers."""

    label: Label = ""
    enum: tuple[Ident, ...] = ()
    """Names to choose from, or"""
    low: int | None = Field(None, ge=-1000, le=1000)
    """whole numbers from this one"""
    high: int | None = Field(None, ge=-1000, le=1000)
    """to this one, at most 100 further."""


class FreeEffect(Effects):
    """One declared, bounded effect that a free move may be mapped onto."""

    label: Label
    """What the referee reads of it."""
    by: Names = ()
    """Seats that may be mapped onto it; empty: every seat."""
    target: Target | None = None
    """What it is aimed at."""


class Free(Value):
    """The free move of the style `compose`: anything else, mapped by a referee's call."""

    at_most: int = Field(3, ge=1, le=3)
    """Effects that one free move may be mapped onto."""
    by: Names = ()
    """Seats that may make one; empty: every seat."""
    may: dict[Ident, FreeEffect] = Field(min_length=1)
    """The effects it may be mapped onto."""
