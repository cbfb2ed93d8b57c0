"""The role that the function acts as, with one inline policy: what a run needs and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from streamalert_apps.config.conf import AppConf
from streamalert_apps.deploy import tags
from streamalert_apps.deploy.job import Job, Wanted
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.plan import Change, Resource
from streamalert_apps.deploy.view import View, found
from streamalert_apps.errors import ConfigError
from streamalert_apps.runtime import kinds, names
from streamalert_apps.runtime.sink import Sink, Where

if TYPE_CHECKING:
    from streamalert_apps.runtime.outlets import Definition

KIND: Final = "role"
POLICY: Final = "sa-apps"
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}

# What StreamAlert's Terraform gives the role; our policy says the same, and less.
_INLINE: Final = {"InvokeDestinationFunction", "GetAndPutSSMParams", "LambdaInvokeSelf"}
_ATTACHED: Final = ("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole")
_REGION: Final = re.compile(r"\barn:[\w-]+:(?:lambda|logs|ssm):([a-z0-9-]+):")


def desired(wanted: Wanted) -> tuple[Resource, ...]:
    """Return the role that the app shall have."""
    attributes = {
        "path": names.ROLE_PATH,
        "trust": _normal(TRUST),
        "policy": policy(wanted.app, wanted.place),
        "left_over": (),
        "tags": tags.tags_of(wanted.app, wanted.place) | {tags.REGION: wanted.place.region},
    }
    if wanted.place.role_boundary:
        attributes["boundary"] = wanted.place.role_boundary
    return (Resource(KIND, names.role(wanted.app.function), attributes),)


def policy(app: AppConf, place: Place) -> dict[str, Any]:
    """Return what the function may do."""
    function = app.function
    invokes = [names.classifier(place.prefix, app.cluster)] if invokes_classifier(app) else []
    invoked = [arn for name in (*invokes, function) for arn in (place.function(name), place.alias(name))]
    auth, state = (place.parameter(f(function)) for f in (names.auth_parameter, names.state_parameter))
    statements = [
        _allow("lambda:InvokeFunction", *invoked),
        _allow("ssm:GetParameters", auth, state, *_parameters(app, place)),
        _allow("ssm:PutParameter", state),
        _allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], f"{place.bucket_arn()}/{function}/*"),
        _allow("s3:ListBucket", place.bucket_arn())
        | {"Condition": {"StringLike": {"s3:prefix": [f"{function}/*"]}}},
        _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{place.log_group(function)}:*"),
    ]
    if place.kms_key:
        statements.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], place.kms_key))
    if (app.vpc_config or {}).get("subnet_ids"):
        statements.append(_allow(_IN_A_VPC, "*"))  # these know no resources
    statements += _sending(app, place)
    return {"Version": "2012-10-17", "Statement": statements}


_IN_A_VPC: Final = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def invokes_classifier(app: AppConf) -> bool:
    """Tell whether an app's events go to the classifier."""
    return not app.sinks or any(sink.is_classifier for sink in app.sinks)


def _sinks(app: AppConf) -> Iterator[tuple[Definition, type[Sink], dict[str, Any]]]:
    """Yield an app's destinations besides the classifier, with the kind and the settings of each."""
    for definition in app.sinks:
        if not definition.is_classifier:
            kind = kinds.find(definition.kind)
            yield definition, kind, definition.settings(kind)


def sinks_with_credentials(app: AppConf) -> list[str]:
    """Return the names of an app's destinations that need credentials."""
    return [definition.name for definition, kind, settings in _sinks(app) if kind.auth(settings)]


def _parameters(app: AppConf, place: Place) -> list[str]:
    """Return the parameters with the credentials of destinations."""
    return [
        place.parameter(names.destination_parameter(place.prefix, sink))
        for sink in sinks_with_credentials(app)
    ]


def _sending(app: AppConf, place: Place) -> list[dict[str, Any]]:
    """Return what destinations in AWS need to be allowed."""
    where = Where(place.partition, place.region, place.account)
    return [
        _allow(list(needed.actions), *needed.resources)
        | ({"Condition": needed.condition} if needed.condition else {})
        for _, kind, settings in _sinks(app)
        for needed in kind.permissions(settings, where)
    ]


def _allow(action: str | list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


def _normal(document: dict[str, Any]) -> dict[str, Any]:
    """Return a trust policy without what does not matter: an empty Sid, a version of the language."""
    statements = [{k: v for k, v in s.items() if k != "Sid"} for s in document.get("Statement", [])]
    return {"Statement": statements}


def observe(view: View) -> tuple[Resource, ...]:
    """Return the role that is there."""
    name, place = names.role(view.job.function), view.job.place
    document = None if view.strange else _inline(view, name, POLICY)
    if document and not place.role_boundary:
        return (Resource(KIND, name, {"policy": document}, elsewhere=elsewhere(place, {}, [document])),)
    answer = found(lambda: view.job.aws.iam.get_role(RoleName=name))
    if not answer:
        return ()
    role = answer["Role"]
    own = tags.of_list(role.get("Tags", []))
    attributes: dict[str, Any] = {
        "policy": document or {},
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
    }
    documents = [document] if document else []
    if not document:
        inline, attached = _policies(view.job, name)
        known = {
            policy: _inline(view, name, policy) or {} for policy in inline if policy in {POLICY, *_INLINE}
        }
        left_over = sorted(_INLINE & set(inline)), [arn for arn in attached if arn.endswith(_ATTACHED)]
        documents = [*known.values()]
        attributes |= {
            "path": role["Path"],
            "trust": _normal(role["AssumeRolePolicyDocument"]),
            "policy": known.get(POLICY, {}),
            "left_over": (*left_over[0], *left_over[1]),
            "tags": tags.judged(own, place) | {key: own[key] for key in own if key == tags.REGION},
        }
    foreign = not tags.ours(own) and role["Path"] != names.ROLE_PATH
    owner = elsewhere(place, own, documents)
    return (Resource(KIND, name, attributes, foreign=foreign, elsewhere=owner),)


def elsewhere(place: Place, own: Mapping[str, str], policies: Iterable[Mapping[str, Any]]) -> str:
    """Return the region whose a role is, where that is another than the project's; else nothing.

    Its tag tells; without one, of before 0.2.0 or StreamAlert's, what its policies name does.
    """
    if tags.REGION in own:
        return own[tags.REGION] if own[tags.REGION] != place.region else ""
    named = sorted(set(_REGION.findall(json.dumps(list(policies)))))
    return named[0] if named and place.region not in named else ""


def _inline(view: View, role: str, policy: str) -> dict[str, Any] | None:
    answer = found(lambda: view.job.aws.iam.get_role_policy(RoleName=role, PolicyName=policy))
    return answer["PolicyDocument"] if answer else None


def _policies(job: Job, role: str) -> tuple[list[str], list[str]]:
    """Return names of inline policies, ARNs of attached ones."""
    iam = job.aws.iam
    inline = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    return (
        [name for page in inline for name in page["PolicyNames"]],
        [policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]],
    )


def create(job: Job, resource: Resource) -> None:
    """Make the role."""
    boundary = resource.attributes.get("boundary")
    job.aws.iam.create_role(
        Path=names.ROLE_PATH,
        RoleName=resource.name,
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Description=f"What {job.function} may do.",
        Tags=tags.as_list(resource.attributes["tags"]),
        **({"PermissionsBoundary": boundary} if boundary else {}),
    )
    _put_policy(job, resource)


def update(job: Job, change: Change) -> None:
    """Bring the role to what is desired; what Terraform gave it is taken away after ours is there."""
    iam, resource = job.aws.iam, change.subject
    if "path" in change.differing:
        raise ConfigError(
            f"A role {resource.name} is there with another path ({change.differing['path'][0]}).",
            hint="IAM moves no role: delete it, or give the app another name.",
        )
    if "trust" in change.differing:
        iam.update_assume_role_policy(RoleName=resource.name, PolicyDocument=json.dumps(TRUST))
    if "boundary" in change.differing:
        boundary = resource.attributes["boundary"]
        iam.put_role_permissions_boundary(RoleName=resource.name, PermissionsBoundary=boundary)
    if "policy" in change.differing:
        _put_policy(job, resource)
    for policy in change.differing.get("left_over", ((),))[0]:
        if policy.startswith("arn:"):
            iam.detach_role_policy(RoleName=resource.name, PolicyArn=policy)
        else:
            iam.delete_role_policy(RoleName=resource.name, PolicyName=policy)
    if "tags" in change.differing:
        iam.tag_role(RoleName=resource.name, Tags=tags.as_list(resource.attributes["tags"]))


def delete(job: Job, resource: Resource) -> None:
    """Delete the role and its policies."""
    inline, attached = _policies(job, resource.name)
    for policy in attached:
        job.aws.iam.detach_role_policy(RoleName=resource.name, PolicyArn=policy)
    for policy in inline:
        job.aws.iam.delete_role_policy(RoleName=resource.name, PolicyName=policy)
    job.aws.iam.delete_role(RoleName=resource.name)


def _put_policy(job: Job, resource: Resource) -> None:
    job.aws.iam.put_role_policy(
        RoleName=resource.name, PolicyName=POLICY, PolicyDocument=json.dumps(resource.attributes["policy"])
    )
