"""Every exception of the program, and the exit code each one ends in.

    OrchestratorError            1  a defect of ours
    |- BadInput                  2  nothing was written
    |  |- BadUsage                  a flag or argument that cannot be honoured
    |  |- BadConfig                 orchestrate.toml: syntax, unknown key or kind
    |  |- MissingKey                the environment variable that should hold a key is not set
    |  |- BadScenario               a scenario file with an error
    |  |- BadPersona                a persona file with an error
    |  |- BadPrompt                 a prompt template that does not render
    |  |- BadModelFile              a model file that is damaged, truncated or foreign
    |  |- BadDatabase               not a database of ours, or one we cannot read
    |  |- BadFile                   any other input file
    |  |- UnknownSeat               no such seat in this scenario
    |  `- OtherRules                the run was played under another RULES_VERSION
    |- Stopped                   3  stopped, and `resume` goes on
    |  |- RunPaused                 Ctrl-C, or a person's seat that waits
    |  |- BudgetExhausted           a limit of calls, tokens or money is reached
    |  |- StoreFailed               the disk is full or fails, or the database server is gone
    |  |- QuotaExhausted            the server wants money, another key or a higher quota
    |  `- RunBusy                   another process plays this run
    |- BackendFailed             4  a backend failed for good, and `resume` goes on
    |- Diverged                  5  the record and its re-derivation disagree
    |  |- ReplayDiverged
    |  `- DamageFound
    |- NotFound                  6
    |  |- UnknownScenario, UnknownVariant, UnknownRun, UnknownRound, UnknownModel, UnknownBackend, UnknownVariable
    `- LedgerConflict            1  two writers of one sequence number

Each takes the fact as a sentence, the next command to try (`hint`) and, where there is one, the
place (`where`: file, line, field). The kind that users script against is the class name in snake_case.
"""

import re


class OrchestratorError(Exception):
    """Base of all; raised itself it is a defect of ours."""

    code: int = 1

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    @property
    def kind(self) -> str:
        """The class name in snake_case: `replay_diverged`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class BadInput(OrchestratorError):
    code = 2


class BadUsage(BadInput): ...


class BadConfig(BadInput): ...


class MissingKey(BadInput): ...


class BadScenario(BadInput): ...


class BadPersona(BadInput): ...


class BadPrompt(BadInput): ...


class BadModelFile(BadInput): ...


class BadDatabase(BadInput): ...


class BadFile(BadInput): ...


class UnknownSeat(BadInput): ...


class OtherRules(BadInput): ...


class Stopped(OrchestratorError):
    code = 3


class RunPaused(Stopped): ...


class BudgetExhausted(Stopped): ...


class QuotaExhausted(Stopped): ...


class RunBusy(Stopped): ...


class StoreFailed(Stopped): ...


class BackendFailed(OrchestratorError):
    code = 4


class Diverged(OrchestratorError):
    code = 5


class ReplayDiverged(Diverged):
    """The replayed run asked or concluded something else than the record holds."""

    def __init__(self, key: str, what: str, *, hint: str = "") -> None:
        super().__init__(f"replay parts from the record at {key}: {what}", hint=hint, where=key)
        self.key = key
        self.what = what


class DamageFound(Diverged): ...


class NotFound(OrchestratorError):
    code = 6


class UnknownScenario(NotFound): ...


class UnknownVariant(NotFound): ...


class UnknownRun(NotFound): ...


class UnknownRound(NotFound): ...


class UnknownModel(NotFound): ...


class UnknownBackend(NotFound): ...


class UnknownVariable(NotFound): ...


class LedgerConflict(OrchestratorError): ...
