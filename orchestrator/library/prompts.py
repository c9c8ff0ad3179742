"""Finds prompt templates and gives them back as texts; nothing here knows Jinja.

A template of the working folder's `prompts/` stands before the packaged one of the same name.
"""

import os
import re
from pathlib import Path

from orchestrator.errors import BadInput, BadPrompt
from orchestrator.library.faults import Problem
from orchestrator.library.files import display, read_text
from orchestrator.library.yaml import shown

SUFFIX = ".j2"
LONGEST_PROMPT = 64 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\.j2")


def read_prompts(places: tuple[Path, ...], working: Path) -> tuple[dict[str, str], dict[str, str], list[Problem]]:
    """Of the `prompts` folders of these roots, first one first: name (without `.j2`) -> text, name -> file
    as messages show it, and what is wrong."""
    texts: dict[str, str] = {}
    shown_as: dict[str, str] = {}
    problems: list[Problem] = []
    for root in places:
        folder = root / "prompts"
        for file in _templates(folder):
            where = display(folder / file, working)
            if not _NAME.fullmatch(file):
                problems.append(
                    Problem(
                        where,
                        f"a template's name is made of small letters, digits and _: {shown(file)}",
                        BadPrompt,
                    )
                )
            elif (name := file.removesuffix(SUFFIX)) not in shown_as:
                shown_as[name] = where
                try:
                    texts[name] = read_text(folder, file, name=where, error=BadPrompt, limit=LONGEST_PROMPT)
                except BadInput as fault:
                    problems.append(Problem(fault.where, fault.message, BadPrompt))
    return dict(sorted(texts.items())), shown_as, problems


def _templates(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise BadPrompt(
            f"cannot list the folder {shown(folder.as_posix(), 400)}: {shown(str(fault.strerror))}"
        ) from fault
