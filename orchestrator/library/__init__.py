"""Finds, reads and validates scenarios, personas and prompts. Every file is untrusted input.

`yaml` reads text, `files` opens files, `scenarios`, `personas` and `prompts` know where things lie,
`faults` says what is wrong in our words, `loading` puts it together, `design` is the stored copy.
"""

from orchestrator.library.design import from_data
from orchestrator.library.faults import Problem
from orchestrator.library.loading import Loaded, load_scenario, problems
from orchestrator.library.scenarios import Listed, find_scenario, list_scenarios
from orchestrator.library.variants import ListedVariant, list_variants

__all__ = [
    "Listed",
    "ListedVariant",
    "Loaded",
    "Problem",
    "find_scenario",
    "from_data",
    "list_scenarios",
    "list_variants",
    "load_scenario",
    "problems",
]
