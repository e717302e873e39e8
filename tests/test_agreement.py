"""`Graph.check` against a real server's verdicts: no error missed, none made up, the same names given."""

from __future__ import annotations

import pytest

from comfygraph import Graph

from .corpus import Row, catalogue, rows

RAISED = {"exception_during_validation", "exception_during_inner_validation"}


@pytest.fixture(scope="module")
def judged() -> list[tuple[Row, set[tuple[str | None, str | None, str]]]]:
    """Every recorded prompt with the errors that ours finds in it."""
    found = []
    for row in rows():
        problems = Graph.from_api(row.prompt).check(catalogue())
        found.append((row, {(p.node_id, p.input, p.code) for p in problems if p.severity == "error"}))
    return found


def test_every_recorded_prompt_is_there(judged: list[tuple[Row, set[tuple[str, str, str]]]]) -> None:
    assert len(judged) == 2267


def test_nothing_that_the_server_refuses_is_missed(judged: list[tuple[Row, set[tuple[str, str, str]]]]) -> None:
    assert [(row.template, row.ops) for row, errors in judged if not row.clean and not errors] == []


def test_nothing_that_would_run_is_flagged(judged: list[tuple[Row, set[tuple[str, str, str]]]]) -> None:
    wrong = [
        (row.template, row.ops, errors) for row, errors in judged if row.clean and errors and not row.fails_when_run
    ]
    assert wrong == []


def test_the_servers_own_names_are_given(judged: list[tuple[Row, set[tuple[str, str, str]]]]) -> None:
    for row, errors in judged:
        assert {error for error in row.errors if error[2] not in RAISED} <= errors, (row.template, row.ops)


def test_where_the_servers_validation_raised_the_same_node_is_named(
    judged: list[tuple[Row, set[tuple[str, str, str]]]],
) -> None:
    for row, errors in judged:
        nodes = {error[0] for error in errors}
        assert {node for node, _, kind in row.errors if kind in RAISED} <= nodes, (row.template, row.ops)


@pytest.mark.parametrize("kind", ["dyn_bad_key", "negative_index"])
def test_what_is_accepted_and_cannot_run_is_an_error(
    kind: str, judged: list[tuple[Row, set[tuple[str, str, str]]]]
) -> None:
    of_kind = [errors for row, errors in judged if row.mutation == kind]
    assert len(of_kind) > 50
    assert all(of_kind)
