"""What has to change: a pure function of what is desired and what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

Action: TypeAlias = Literal["create", "update", "delete"]

ORDER: Final = ("role", "log group", "function", "alias", "permission", "rule", "target", "alarm")
WITH_FUNCTION: Final = frozenset({"alias", "permission"})  # these go when their function goes


@dataclass(frozen=True, slots=True)
class Resource:
    """A thing in AWS, by the attributes that are ours to decide.

    Of what is there, an attribute that was not read is left out and counts as right. `foreign`: it is
    there, but neither we nor StreamAlert made it. `elsewhere`: the region whose it is, where that is another.
    """

    kind: str
    name: str
    attributes: Mapping[str, Any]
    foreign: bool = False
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One step from what is there (`before`) to what is desired (`after`)."""

    before: Resource | None
    after: Resource | None

    @property
    def action(self) -> Action:
        """What is done."""
        if self.before is None:
            return "create"
        return "update" if self.after else "delete"

    @property
    def subject(self) -> Resource:
        """The thing as it will be, or as it was."""
        subject = self.after or self.before
        assert subject is not None  # noqa: S101 (a change has one side at least)
        return subject

    @property
    def differing(self) -> dict[str, tuple[Any, Any]]:
        """Old and new value of each attribute that changes."""
        if self.before is None or self.after is None:
            return {}
        there = self.before.attributes
        return {
            key: (there[key], value)
            for key, value in self.after.attributes.items()
            if key in there and there[key] != value
        }


def compared(there: Resource | None, wanted: Resource) -> tuple[Change, ...]:
    """Return the change from what is there to what is desired, where one is needed."""
    change = Change(there, wanted)
    return (change,) if there is None or change.differing else ()


def plan(desired: Sequence[Resource], observed: Sequence[Resource]) -> tuple[Change, ...]:
    """Return the changes that lead from `observed` to `desired`, in the order in which they can be made."""
    wanted = {(r.kind, r.name): r for r in desired}
    there = {(r.kind, r.name): r for r in observed}
    changes = []
    if replaced := _orphaned_function(wanted, there):
        changes.append(Change(replaced, None))
        there = {key: r for key, r in there.items() if r is not replaced and r.kind not in WITH_FUNCTION}
    for key, resource in sorted(wanted.items(), key=lambda item: ORDER.index(item[0][0])):
        changes += compared(there.get(key), resource)
    superfluous = [r for key, r in there.items() if key not in wanted]
    if any(r.kind == "function" for r in superfluous):
        superfluous = [r for r in superfluous if r.kind not in WITH_FUNCTION]
    changes += [Change(r, None) for r in sorted(superfluous, key=lambda r: -ORDER.index(r.kind))]
    return tuple(_marked_last(changes))


def _marked_last(changes: Sequence[Change]) -> Iterator[Change]:
    """Put the tagging of a function at the end: it is the mark that an app has been taken over wholly."""
    marks = []
    for change in changes:
        if change.subject.kind == "function" and "tags" in change.differing:
            rest, mark = _without_tags(change)
            marks.append(mark)
            if rest.differing:
                yield rest
        else:
            yield change
    yield from marks


def _without_tags(change: Change) -> tuple[Change, Change]:
    """Return what a change does but for the tags, and the change of the tags."""
    old, new = change.before, change.subject
    assert old is not None  # noqa: S101 (an update has both sides)
    tagged = replace(old, attributes={**old.attributes, "tags": new.attributes["tags"]})
    untagged = replace(new, attributes={**new.attributes, "tags": old.attributes["tags"]})
    return Change(tagged, new), Change(untagged, new)


def _orphaned_function(
    wanted: Mapping[tuple[str, str], Resource], there: Mapping[tuple[str, str], Resource]
) -> Resource | None:
    """Return a function that has lost its role, if there is one.

    A role made anew under the old name does not help it: its environment stays encrypted for the old
    role, and every invocation fails without a log line. So it is made anew, too.
    """
    function = next((r for r in there.values() if r.kind == "function"), None)
    role_wanted = any(kind == "role" for kind, _ in wanted)
    role_there = any(kind == "role" for kind, _ in there)
    return function if role_wanted and not role_there else None
