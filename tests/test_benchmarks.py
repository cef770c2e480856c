"""The page of benchmarks keeps each subject's newest figures, and leaves the others as they were."""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

from benchmarks import subjects
from benchmarks.figures import HEAD, PAGE, Figures, Section, keep
from benchmarks.subjects.fleet.queues import Fleet, Load, simulate


def section(subject: str, cell: str) -> Section:
    made = Section(subject=subject, about=f"About {subject}")
    made.tables.append(Figures(title="Speed", columns=("what", "how fast"), rows=[("this", cell)]))
    return made


def test_a_subject_measured_again_replaces_its_own_section_only(tmp_path):
    page = tmp_path / "benchmarks.md"
    for subject, cell in (("one", "1/s"), ("two", "2/s"), ("one", "3/s")):
        keep(section(subject, cell), page)
    text = page.read_text()
    assert text.count("## About one") == text.count("## About two") == 1
    assert "| this | 3/s |" in text
    assert "| this | 2/s |" in text
    assert "1/s" not in text


def test_the_page_has_every_subject_under_the_heading_that_the_code_gives_it():
    page = PAGE.read_text("utf-8")
    assert page.startswith(HEAD)
    for module in pkgutil.iter_modules(subjects.__path__):
        folder = Path(subjects.__path__[0])
        file = folder / module.name / "__init__.py" if module.ispkg else folder / f"{module.name}.py"
        heading = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").splitlines()[0].rstrip(".")
        assert f"<!-- {module.name} -->\n\n## {heading}\n" in page


def test_a_simulated_fleet_waits_more_the_busier_it_is_and_without_end_when_it_is_overloaded():
    fleet = Fleet(machines=2, worker_cores=2, ledger_cores=2)
    loads = [Load(slices=slices, redis=0.001, workers=0.03, ledger=0.02) for slices in (10, 80, 101)]
    quiet, busy, overloaded = (simulate(fleet, load) for load in loads)
    assert quiet.wait_p95 < busy.wait_p95 < 10
    assert (round(busy.busy["ledger"], 2), busy.busiest) == (0.8, "ledger")
    assert (overloaded.overloaded, overloaded.wait_p95) == (True, float("inf"))
