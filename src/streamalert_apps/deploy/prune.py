"""Finds what was deployed for apps that conf/ has no more.

The role tells: it is made first and deleted last, and its tags say whose it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from streamalert_apps.deploy import tags
from streamalert_apps.deploy.clients import Aws
from streamalert_apps.deploy.job import Job
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.resources.role import POLICY, elsewhere
from streamalert_apps.deploy.view import found
from streamalert_apps.runtime import names


def gone(aws: Aws, place: Place, clusters: Collection[str], known: Collection[str]) -> list[Job]:
    """Return the work on each app of `clusters` (none: of all) that is deployed and not `known`."""
    pages = aws.iam.get_paginator("list_roles").paginate(PathPrefix=names.ROLE_PATH)
    there = {role["RoleName"] for page in pages for role in page["Roles"]}
    jobs = []
    for role in sorted(there - {names.role(function) for function in known}):
        own = _tags(aws, role) if role.startswith(f"{place.prefix}_") else {}
        is_ours = own.get(tags.PREFIX) == place.prefix and names.role(_function(own)) == role
        if (
            is_ours
            and (not clusters or own[tags.CLUSTER] in clusters)
            and not _elsewhere(aws, place, role, own)
        ):
            jobs.append(Job(aws, place, _function(own)))
    return jobs


def _tags(aws: Aws, role: str) -> dict[str, str]:
    answer = found(lambda: aws.iam.get_role(RoleName=role))
    return tags.of_list(answer["Role"].get("Tags", [])) if answer else {}


def _elsewhere(aws: Aws, place: Place, role: str, own: Mapping[str, str]) -> str:
    """Return the region whose role it is, where that is another; one of before 0.2.0 has no tag of it."""
    answer = found(lambda: aws.iam.get_role_policy(RoleName=role, PolicyName=POLICY))
    return elsewhere(place, own, [answer["PolicyDocument"]] if answer else [])


def _function(own: dict[str, str]) -> str:
    parts = (own.get(key, "") for key in (tags.PREFIX, tags.CLUSTER, tags.TYPE, tags.APP))
    return names.function_name(*parts)
