"""The plan: a pure function of what is desired and what is there."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamalert_apps.deploy.plan import ORDER, WITH_FUNCTION, Change, Resource, plan


def thing(kind: str = "rule", name: str = "a", *, foreign: bool = False, **attributes: Any) -> Resource:
    return Resource(kind, name, attributes, foreign)


def steps(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.action, change.subject.kind) for change in changes]


def applied(changes: tuple[Change, ...], there: list[Resource]) -> list[Resource]:
    """Return what is there after the changes."""
    left = {(r.kind, r.name): r for r in there}
    for change in changes:
        key = (change.subject.kind, change.subject.name)
        if change.after is None:
            del left[key]
            if change.subject.kind == "function":
                left = {k: r for k, r in left.items() if k[0] not in WITH_FUNCTION}
        elif change.before is None:
            assert key not in left
            left[key] = change.after
        else:
            new = {name: value for name, (_, value) in change.differing.items()}
            left[key] = Resource(*key, {**left[key].attributes, **new})
    return list(left.values())


WHOLE = [thing(kind, tags=1, value=1) for kind in ORDER]
anything = {
    kind: st.builds(thing, st.just(kind), tags=st.integers(0, 1), value=st.integers(0, 2)) for kind in ORDER
}
whole = st.tuples(*anything.values()).map(list)
remains = st.tuples(*(st.none() | some for some in anything.values())).map(
    lambda found: [r for r in found if r and (found[2] or r.kind not in WITH_FUNCTION)]
)


@pytest.mark.parametrize("kind", ORDER)
def test_what_is_there_as_desired_is_left(kind: str) -> None:
    there = [r if r.kind != kind else thing(kind, tags=1, value=1, theirs=1) for r in WHOLE]
    assert plan(WHOLE, there) == ()


@pytest.mark.parametrize("kind", ORDER)
def test_what_is_missing_is_created(kind: str) -> None:
    assert plan([thing(kind)], []) == (Change(None, thing(kind)),)


def test_what_differs_is_updated_and_the_difference_is_told() -> None:
    (change,) = plan([thing(value=2, other=1)], [thing(value=1, other=1)])

    assert change.action == "update"
    assert change.differing == {"value": (1, 2)}


def test_what_nobody_wants_is_deleted() -> None:
    assert plan([], [thing()]) == (Change(thing(), None),)


def test_an_attribute_that_was_not_read_counts_as_right() -> None:
    assert plan([thing(value=1, tags=2)], [thing(value=1)]) == ()


def test_creation_is_in_the_order_in_which_things_need_one_another() -> None:
    assert steps(plan(WHOLE[::-1], [])) == [("create", kind) for kind in ORDER]


def test_deletion_is_in_reverse_and_leaves_out_what_goes_with_the_function() -> None:
    kinds = ["alarm", "target", "rule", "function", "log group", "role"]
    assert steps(plan([], WHOLE)) == [("delete", kind) for kind in kinds]


def test_a_permission_is_taken_away_where_the_function_stays() -> None:
    wanted = [r for r in WHOLE if r.kind != "permission"]
    assert steps(plan(wanted, WHOLE)) == [("delete", "permission")]


def test_a_function_without_its_role_is_made_anew() -> None:
    there = [r for r in WHOLE if r.kind != "role"]
    assert steps(plan(WHOLE, there)) == [
        ("delete", "function"),
        ("create", "role"),
        ("create", "function"),
        ("create", "alias"),
        ("create", "permission"),
    ]


def test_a_function_without_its_role_that_shall_go_is_deleted_once() -> None:
    there = [r for r in WHOLE if r.kind != "role"]
    assert steps(plan([], there)).count(("delete", "function")) == 1


def test_the_functions_tags_come_last_whatever_else_changes() -> None:
    there = [thing(kind, tags=0, value=0) for kind in ORDER]

    changes = plan(WHOLE, there)

    assert changes[-1].subject.kind == "function"
    assert changes[-1].differing == {"tags": (0, 1)}
    assert [c.differing for c in changes[:-1] if c.subject.kind == "function"] == [{"value": (0, 1)}]


@given(whole | st.just([]), remains)
def test_after_a_plan_was_carried_out_there_is_nothing_left_to_plan(
    wanted: list[Resource], there: list[Resource]
) -> None:
    assert plan(wanted, applied(plan(wanted, there), there)) == ()


@given(whole)
def test_what_is_right_needs_no_plan(wanted: list[Resource]) -> None:
    assert plan(wanted, wanted) == ()


def test_planning_needs_no_aws() -> None:
    code = "import sys, streamalert_apps.deploy.plan; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"boto3", "botocore"} & set(loaded.split())
