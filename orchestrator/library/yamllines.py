"""Where each value of a YAML text stands: a second reading, made only when a message needs a line.

Reading the values is on the way of every start of the program, their lines only of an error. Both readings go over
the same events of the parser.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

Lines: TypeAlias = "int | tuple[int, dict[str, Lines] | list[Lines]]"
"""The line of a value; for a mapping or list also those of what it holds."""
Step: TypeAlias = "str | int"


def events(text: str) -> Callable[[], Any]:
    """Gives one event of the parser after the other, then None: from C, or from ruamel's pure parser where its C
    part is not installed."""
    try:
        return cast("Any", importlib.import_module("_ruamel_yaml")).CParser(text).get_event
    except ModuleNotFoundError:
        yaml = cast("Any", importlib.import_module("ruamel.yaml")).YAML(typ="safe", pure=True)
        pure = iter(yaml.parse(text))
        return lambda: next(pure, None)


def lines_of(text: str, first_line: int) -> Lines:
    """The line of every value, from `first_line` on; in a mapping that of its key. Of a text that ends in an error:
    of all that stands before it."""
    from ruamel.yaml import events as kinds
    from ruamel.yaml.error import YAMLError

    whole: list[Lines] = []
    held: dict[str, Lines] | list[Lines] = whole
    above: list[dict[str, Lines] | list[Lines]] = []
    key, key_line = None, first_line

    def put(line: int, inside: dict[str, Lines] | list[Lines] | None) -> None:
        nonlocal key
        at = line if key is None else key_line
        value = at if inside is None else (at, inside)
        if isinstance(held, list):
            held.append(value)
        elif key is not None:
            held.setdefault(key, value)  # of a key that is given twice the first
            key = None

    try:
        following = events(text)
        while (event := following()) is not None:
            kind = cast("object", type(event))
            line = event.start_mark.line + first_line
            if kind is kinds.ScalarEvent:
                if key is None and isinstance(held, dict):
                    key, key_line = event.value, line
                else:
                    put(line, None)
            elif kind is kinds.MappingStartEvent or kind is kinds.SequenceStartEvent:
                inside: dict[str, Lines] | list[Lines] = {} if kind is kinds.MappingStartEvent else []
                put(line, inside)
                above.append(held)
                held = inside
            elif kind is kinds.MappingEndEvent or kind is kinds.SequenceEndEvent:
                held = above.pop()
    except YAMLError:
        pass  # told by who reads the values
    return whole[0] if whole else first_line


def found(lines: Lines, path: Sequence[Step]) -> tuple[int, int]:
    """How many steps of the path there are, and the line where they stop.

    Steps that are not there are passed over, so that a path through the model (`kinds.lab.variables.compute`)
    finds the same line as one through the file (`kinds.lab.compute`).
    """
    here, depth = lines, 0
    for step in path:
        if isinstance(here, int):
            break
        held = here[1]
        if isinstance(held, dict):
            if isinstance(step, str) and step in held:
                here, depth = held[step], depth + 1
        elif isinstance(step, int) and 0 <= step < len(held):
            here, depth = held[step], depth + 1
    return depth, here if isinstance(here, int) else here[0]
