"""A life cycle as a table: from which phase which step leads where, and who may take it.

What is not in the table is not possible. The same tables stand in `docs/operate/administer-the-registry.md`, where a test
compares them.
"""

from collections.abc import Collection, Iterator, Mapping

ABSENT = "-"
"""The phase of what is not there: before it is made and after it is deleted."""

Rows = Mapping[tuple[str, str], Mapping[str, str]]
"""Phase and step, and by role the phase that follows."""


class StateMachine:
    """The life cycle of one kind of thing."""

    def __init__(self, roles: tuple[str, ...], rows: Rows) -> None:
        self.roles = roles
        self.rows = rows

    def next_phases(self, phase: str, step: str) -> Mapping[str, str]:
        """Return the phase after a step by role; empty where there is no such step."""
        return self.rows.get((phase, step), {})

    def next_phase(self, phase: str, step: str, roles: Collection[str]) -> str | None:
        """Return the phase after a step that somebody in one of some roles takes; None where nobody of them may."""
        next_phases = self.next_phases(phase, step)
        return next((next_phases[role] for role in self.roles if role in roles and role in next_phases), None)

    def steps(self, phase: str) -> list[str]:
        """Return the steps that somebody may take in a phase."""
        return [step for of, step in self.rows if of == phase]

    def table(self) -> Iterator[str]:
        """Return the lines of the table in Markdown."""
        yield f"| phase | step | {' | '.join(self.roles)} |"
        yield f"| --- | --- |{' --- |' * len(self.roles)}"
        for (phase, step), next_phases in self.rows.items():
            yield f"| {phase} | {step} | {' | '.join(next_phases.get(role, '') for role in self.roles)} |"
