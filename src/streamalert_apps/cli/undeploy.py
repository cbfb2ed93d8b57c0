"""What an app has in AWS, and how it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamalert_apps.cli.fleet import Fleet
from streamalert_apps.cli.terminal.progress import applying
from streamalert_apps.config.conf import AppConf, Project
from streamalert_apps.deploy import apply, parameters, survey
from streamalert_apps.deploy.survey import AppPlan
from streamalert_apps.runtime import names


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deploy has made of an app, and its parameters."""

    fleet: Fleet
    plan: AppPlan
    parameters: tuple[str, ...]

    @classmethod
    def of(cls, project: Project, app: AppConf, *, keep_auth: bool) -> Deployed:
        """Look what there is."""
        fleet = Fleet.of(project)
        (plan,) = survey.survey([fleet.job(app.function)], 1)
        if plan.error:
            raise plan.error
        survey.check_account(fleet.session, fleet.place.account, [plan])
        wanted = [names.state_parameter(app.function)]
        wanted += [] if keep_auth else [names.auth_parameter(app.function)]
        return cls(fleet, plan, tuple(parameters.values(fleet.session.client("ssm"), wanted)))

    def things(self) -> Iterator[tuple[str, str]]:
        """Yield what goes, in the order in which it goes."""
        for change in self.plan.changes:
            yield change.subject.kind, change.subject.name
        for name in self.parameters:
            yield "parameter", name

    def carry_out(self) -> None:
        """Delete it: the schedule first, the role last, then the parameters."""
        with applying([self.plan]) as tell:
            (result,) = apply.apply([self.plan], 1, tell)
        if result.error:
            raise result.error
        parameters.delete(self.fleet.session.client("ssm"), self.parameters)
