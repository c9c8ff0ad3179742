"""A recorded log as a file: what is read, and what a wrong one is told."""

import re
from pathlib import Path

import pytest

from orchestrator.core.logs import Logged
from orchestrator.core.scenario import Scenario
from orchestrator.errors import BadFile
from orchestrator.library.actionlog import LARGEST_FILE, read_log
from tests.support.duel import DUEL

SCENARIO = Scenario.model_validate(DUEL)
HEAD = "month,self,other,action,content\n"


def read(tmp_path: Path, text: str | bytes) -> tuple[Logged, ...]:
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_log(path, SCENARIO)


def refused(tmp_path: Path, text: str | bytes) -> BadFile:
    with pytest.raises(BadFile) as caught:
        read(tmp_path, text)
    assert "\n" not in caught.value.message
    return caught.value


def test_rows_are_read_in_their_order_as_they_stand(tmp_path: Path) -> None:
    text = HEAD + '2,Beta,Alpha, Give ,\n1,Alpha,"Be,ta","say ""no""","one\ntwo"\n1,Alpha,,,\n'
    assert read(tmp_path, text) == (
        Logged(2, "Beta", "Alpha", " Give ", ""),
        Logged(1, "Alpha", "Be,ta", 'say "no"', "one\ntwo"),
        Logged(1, "Alpha", "", "", ""),
    )


def test_columns_may_stand_in_any_order_with_others_and_without_words(tmp_path: Path) -> None:
    assert read(tmp_path, "n,action,other,month,self\n7,Give,Alpha,3,Beta\n") == (Logged(3, "Beta", "Alpha", "Give"),)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_a_mark_and_empty_lines_do_not_matter(tmp_path: Path, end: str) -> None:
    text = end.join(["\ufeffmonth,self,other,action,content", "", "1,Beta,Alpha,Give,", ""])
    assert read(tmp_path, text) == (Logged(1, "Beta", "Alpha", "Give"),)


@pytest.mark.parametrize("day", ["0", "4", "-1", "1.0", "", " 1", "one", "1e0", "99999", "\u0661"])
def test_a_day_that_is_none_of_the_exercise_is_told_with_its_line(tmp_path: Path, day: str) -> None:
    fault = refused(tmp_path, HEAD + f"1,Beta,Alpha,Give,\n{day},Beta,Alpha,Give,\n")
    assert fault.message == f"line 3: the day is '{day}', and a whole number from 1 to 3 is expected"
    assert fault.where.endswith("log.csv:3")


def test_whoever_acts_must_be_known(tmp_path: Path) -> None:
    fault = refused(tmp_path, HEAD + '1,Beta,Alpha,Give,"a\nb"\n1,beta,Alpha,Give,\n')
    assert fault.message.startswith("line 4: nobody called 'beta' acts in bench: did you mean 'Beta'?")
    assert fault.hint == "its actors: Alpha, Beta"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        (HEAD, "holds no move"),
        ("day,self,other,action\n1,Beta,Alpha,Give\n", "the column 'month' is missing in line 1"),
        ("month,other,action\n", "the column 'self' is missing in line 1; its header is: month,other,action"),
        ("month,self,other,action,action\n", "the column 'action' stands twice"),
        (HEAD + "1,Beta,Alpha,Give\n", "line 2 has 4 fields, and the header has 5"),
        (HEAD + "1,Beta,Alpha,Give,,\n", "line 2 has 6 fields"),
        (HEAD + '1,Beta,Alpha,Give,"no end\n', "line 2 is no row of a CSV file"),
        (HEAD + '1,Beta,Alpha,Give,"a"b\n', "line 2 is no row of a CSV file"),
        (HEAD + "1,Beta,Alpha,Give," + "x" * 140_000, "line 2 is no row of a CSV file: field larger"),
        (HEAD.encode() + b"1,Beta,Alpha,Give,\xff\n", "is not UTF-8 in line 2"),
        (HEAD.encode("utf-16"), "is not UTF-8 in line 1"),
        (HEAD + "1,Beta,Alpha,Give,\n" * 2001, "line 2002: at most 20,000 rows are read, 2,000 a day"),
        (b"\x00" * 50, "the column 'month' is missing"),
    ],
)  # fmt: skip
def test_a_wrong_log_is_told_in_one_sentence(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert told in refused(tmp_path, text).message


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    fault = refused(tmp_path, HEAD + "1,Beta,Alpha,Give,\n" * (10_000_000 // 19))
    assert re.search(rf"too large: at most {LARGEST_FILE // 1024} KiB", fault.message)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(BadFile):
            read_log(path, SCENARIO)


def test_a_log_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text(HEAD + "1,Beta,Alpha,Give,\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert len(read_log(tmp_path / "link.csv", SCENARIO)) == 1
