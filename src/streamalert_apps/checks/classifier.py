"""Whether the classifiers that apps send to are there, and know the apps and their logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from streamalert_apps.checks.finding import Finding
from streamalert_apps.checks.subject import Subject
from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import classifier, surroundings
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.view import found
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime import names
from streamalert_apps.sdk.count import counted

CHECK: Final = "classifier"
_DEPLOY: Final = "`sa-apps deploy --with-classifier --cluster {cluster}`"


def look(subject: Subject) -> Iterator[Finding]:
    """Yield what is wrong with the classifier of each cluster whose apps send there."""
    for cluster in subject.project.clusters:
        apps = [app for app in subject.apps if app.cluster == cluster and sends_there(app)]
        if apps:
            yield from _of_cluster(subject, cluster, apps)


def sends_there(app: AppConf) -> bool:
    """Tell whether an app's events go to the classifier: they do unless conf/ says otherwise."""
    return not app.sinks or any(sink.is_classifier for sink in app.sinks)


def missing(functions: Any, name: str, apps: int) -> Finding | None:
    """Return that there is no such classifier for so many apps, if so."""
    if found(lambda: functions.get_function(FunctionName=name, Qualifier=names.ALIAS)):
        return None
    return Finding(
        CHECK,
        f"There is no classifier {name} with an alias {names.ALIAS}.",
        f"The events of {counted(apps, 'app')} are kept, but reach nobody.",
        "Deploy StreamAlert's classifier, or send the events elsewhere: `sa-apps destination add`.",
    )


def _of_cluster(subject: Subject, cluster: str, apps: Sequence[AppConf]) -> Iterator[Finding]:
    name = names.classifier(subject.place.prefix, cluster)
    functions = subject.client("lambda")
    if nothing := missing(functions, name, len(apps)):
        yield nothing
        return
    for lack in surroundings.lost(functions, name):
        fix = "Give it a dead-letter queue with StreamAlert."
        yield Finding(CHECK, f"{lack.what}.", f"{lack.why}.", fix, pressing=False)
    aws = Aws(None, functions, None, None, None, None)
    services = {app.service for app in apps}
    job = Job(aws, subject.place, name)
    try:
        plan = classifier.look(job, cluster, subject.root, services, classifier.download)
    except ConfigError as error:
        yield Finding(CHECK, error.message, "New apps can't be added to it.", error.hint)
        return
    if plan.files:
        entries = ", ".join(f"{told.file}: {told.entry}" for told in plan.differences)
        yield Finding(
            CHECK,
            f"The classifier {name} does not know what conf/ has: {entries}.",
            "It drops such logs.",
            _DEPLOY.format(cluster=cluster),
        )
