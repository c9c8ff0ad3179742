"""What `scenarios check` says: problems, warnings and assumptions of a scenario and its variants."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.cli.output import clean, columns
from orchestrator.library.examine import Examined, examined
from orchestrator.library.faults import Problem
from orchestrator.library.scenarios import find_scenario
from orchestrator.library.variants import list_variants
from orchestrator.views.coverage import coverage


def check_document(name: str, working: Path, *, with_coverage: bool) -> dict[str, Any]:
    """`{"ok", "problems": [{"where", "message"}], "warnings": [the same], "assumed": [{"what", "where", "why", "band",
    "bare"}], "entries", "missing"}`; the last two are empty without coverage. What is assumed is `bare` where it
    does not say why, or is a number without a band.

    A part that does nothing is a warning only where it does nothing in any variant either.
    Raises UnknownScenario.
    """
    plain = examined(name, working)
    problems = [_shown(one) for one in plain.problems]
    warnings = plain.warnings
    for variant in list_variants(find_scenario(name, working=working), working):
        varied = examined(name, working, variant=variant.id)
        # What is wrong without the variant is told once.
        problems += [
            {"where": one.where, "message": f"variant {variant.id}: {one.message}"}
            for one in varied.problems
            if _shown(one) not in problems
        ]
        if not varied.problems:
            also = {one.message for one in varied.warnings}
            warnings = [one for one in warnings if one.message in also]
    document: dict[str, Any] = {
        "ok": not problems, "problems": problems, "warnings": [_shown(one) for one in warnings],
        "assumed": _assumed(plain), "entries": {}, "missing": [],
    }  # fmt: skip
    if with_coverage and plain.loaded is not None:
        covered = coverage(plain.loaded.scenario, plain.loaded.personas)
        document |= {"entries": covered.entries, "missing": covered.missing}
    return document


def _shown(one: Problem) -> dict[str, str]:
    return {"where": one.where, "message": one.message}


def _assumed(plain: Examined) -> list[dict[str, Any]]:
    return [
        {
            "what": one.what,
            "where": one.where,
            "why": one.why,
            "bare": one.bare,
            "band": None if one.band is None else list(one.band),
        }
        for one in plain.assumed
    ]


def check_text(name: str, document: Mapping[str, Any], *, with_coverage: bool) -> str:
    """The same for people."""
    problems, warnings = document["problems"], document["warnings"]
    lines = [part for one in problems for part in _wrapped(f"{one['where']}: {one['message']}", "", "  ")]
    lines += [part for one in warnings for part in _wrapped(f"{one['where']}: warning: {one['message']}", "", "  ")]
    lines += _told_bare(document["assumed"])
    lines.append(_sum(name, problems, warnings))
    if with_coverage and document["entries"]:
        lines += _told_coverage(document)
    return "\n".join(lines)


def _sum(name: str, problems: Sequence[Any], warnings: Sequence[Any]) -> str:
    counted = [f"{len(held)} {word}{'' if len(held) == 1 else 's'}" for held, word in
               ((problems, "problem"), (warnings, "warning")) if held]  # fmt: skip
    if problems:
        return f"{name}: {' and '.join(counted)}"
    return f"{name} holds together{f', with {counted[0]}' if counted else ''}"


def _told_bare(assumed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Assumptions that do not say why, or between what the number could as well lie."""
    bare = [one for one in assumed if one["bare"]]
    if bare:
        yield f"{len(bare)} of {len(assumed)} assumptions have no `why` or no `band`:"
    for one in bare:
        yield from _wrapped(f"{one['where']}: {one['what']}", "  ", "    ")


def _told_coverage(document: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    for entry, by in document["entries"].items():
        yield from _wrapped(", ".join(by) or "(missing)", f"{entry:<5} ", " " * 6)
    missing, total = document["missing"], len(document["entries"])
    yield from ("", f"{total - len(missing)} of {total} entries are realised")
    if missing:
        yield from _wrapped("missing: " + ", ".join(missing))
    if document["assumed"]:
        yield from ("", f"{len(document['assumed'])} assumptions beside the source:")
    for one in document["assumed"]:
        band = f" (could as well lie from {one['band'][0]:g} to {one['band'][1]:g})" if one["band"] else ""
        yield from _wrapped(f"{one['what']}: {one['why']}{band}", "  ", "    ")


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(clean(text), columns(), initial_indent=first, subsequent_indent=rest, break_long_words=False)
