"""Our AWS clients against moto, which checks signatures and policies."""

import io
import json
import os
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient

from .expect import Expect
from .ours import Ours
from .report import Report
from .servers import free_port, server

NAME = "moto"
VENDORS = ["aws"]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:grant"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sym"
# moto has `lambda:Invoke` where AWS has `lambda:InvokeFunction`.
MAY = [
    "lambda:Invoke*",
    "secretsmanager:GetSecretValue",
    "sts:AssumeRole",
    "iam:GetUser",
    "iam:GetGroup",
    "iam:ListGroupsForUser",
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
    "sso:*",
    "sso-admin:*",
    "identitystore:*",
    "organizations:ListAccounts*",
]


def check(vendors: list[str], program: Path, installed: Path, folder: Path, report: Report) -> None:
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with server(NAME, command, [port], env, folder / "moto.log"):
        url = f"http://127.0.0.1:{port}"
        keys, known = _furnish(url)
        _check_aws(url, program, keys, report)
        _check_iam(url, program, keys, report)
        _check_sso(url, program, keys, known, report)


def _furnish(url: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Creates a function, a secret, a role, groups, an organization with Identity Center, and two users: one with the permissions we need,
    and one without any. From then on, signatures and policies are checked. Returns the keys of the users, and the ids of what is created."""

    def client(service: str) -> BaseClient:
        return boto3.client(service, region_name=REGION, endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any")

    iam = client("iam")
    policy = _policy({"Action": MAY, "Resource": "*"})
    keys = {}
    for name in ("allowed", "denied"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys[name] = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    iam.put_user_policy(UserName="allowed", PolicyName="may", PolicyDocument=policy)
    trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/allowed"}
    trust = _policy({"Action": "sts:AssumeRole", "Principal": trusted})
    iam.create_role(RoleName="sym", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="sym", PolicyName="may", PolicyDocument=policy)

    iam.create_group(GroupName="Admins")
    iam.create_user(UserName="ana@example.com", Path="/team/")

    instance = client("sso-admin").list_instances()["Instances"][0]
    organization = client("organizations")
    organization.create_organization(FeatureSet="ALL")
    account = organization.create_account(AccountName="production", Email="prod@example.com")["CreateAccountStatus"]
    store = client("identitystore")
    name = {"GivenName": "Ana", "FamilyName": "Ruiz"}
    emails = [{"Value": "ana@example.com", "Primary": True}]
    in_store = {"IdentityStoreId": instance["IdentityStoreId"]}
    user = store.create_user(**in_store, UserName="ana", DisplayName="Ana", Name=name, Emails=emails)
    group = store.create_group(**in_store, DisplayName="Admins")
    of_instance = {"InstanceArn": instance["InstanceArn"]}
    permission_set = client("sso-admin").create_permission_set(**of_instance, Name="Power", SessionDuration="PT12H")
    known = {
        "instance_arn": instance["InstanceArn"],
        "account_id": account["AccountId"],
        "root": organization.list_roots()["Roots"][0]["Id"],
        "user_id": user["UserId"],
        "group_id": group["GroupId"],
        "permission_set": permission_set["PermissionSet"]["PermissionSetArn"],
    }

    client("secretsmanager").create_secret(Name="sym/okta", SecretString="00of-okta")

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("handler.py", "def main(event, context):\n    return None\n")
    _post(url, "config", {"lambda": {"use_docker": False}})
    client("lambda").create_function(
        FunctionName="grant",
        Runtime="python3.12",
        Role=ROLE,
        Handler="handler.main",
        Code={"ZipFile": archive.getvalue()},
    )
    _post(url, "reset-auth", 0)
    return keys, known


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _post(url: str, path: str, content: Any) -> None:
    request = urllib.request.Request(f"{url}/moto-api/{path}", data=json.dumps(content).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10):
        pass


def _check_aws(url: str, program: Path, keys: dict[str, dict[str, str]], report: Report) -> None:
    expect = Expect("aws", Ours(program, "aws", url, {"region": REGION, **keys["allowed"]}), report)
    as_role = {"role_arn": ROLE}
    reply = {"body": {"granted": True}, "errors": []}

    invocation = {"arn": FUNCTION, "payload": {"event": {"type": "escalate", "name": "Ådne"}}}
    for what, settings in (("with own keys", {}), ("as a role", as_role)):
        _post(url, "static/lambda-simple/response", {"results": [json.dumps(reply)], "region": REGION})
        expect.result(what, "invoke", invocation, reply, **settings)
        expect.result(what, "invoke_async", invocation, True, **settings)
        expect.result(what, "get_secret", {"secret_id": "sym/okta"}, "00of-okta", **settings)
    for call, arguments in (
        ("invoke", invocation),
        ("invoke_async", invocation),
        ("get_secret", {"secret_id": "sym/okta"}),
    ):
        _check_refusals(expect, call, arguments, keys)
    for what, settings, _ in _refusals(keys):
        denied = {**as_role, **settings}
        # A role that cannot be assumed means that there are no credentials to work with.
        expect.error(f"as a role, {what}", "invoke", invocation, "Unauthorized", "AWS:ASSUME_ROLE_FAILED", **denied)
    expect.error("not there", "get_secret", {"secret_id": "sym/none"}, "NotFound")


def _check_iam(url: str, program: Path, keys: dict[str, dict[str, str]], report: Report) -> None:
    settings = {"region": REGION, "account_id": ACCOUNT, **keys["allowed"]}
    expect = Expect("aws", Ours(program, "aws", url, settings), report)
    user, group = "ana@example.com", "Admins"
    arn = f"arn:aws:iam::{ACCOUNT}:user/team/{user}"
    membership = {"group": group, "user": arn}
    expect.result("by name", "iam_user", {"user": user}, arn)
    expect.result("by ARN", "iam_user", {"user": arn}, arn)
    for what, role in (("with own keys", {}), ("as a role", {"role_arn": ROLE})):
        for again in ("", ", again"):
            expect.result(what + again, "iam_add", membership, None, **role)
            expect.result(what + again, "iam_members", {"group": group}, [user], **role)
            expect.result(what + again, "iam_groups", {"user": arn}, [group], **role)
        for again in ("", ", again"):
            expect.result(what + again, "iam_remove", membership, None, **role)
            expect.result(what + again, "iam_members", {"group": group}, [], **role)
    expect.error("no such user", "iam_user", {"user": "nobody"}, "NotFound", "AWSIAM:USER_NOT_FOUND")
    expect.error("no such user", "iam_add", {"group": group, "user": "nobody"}, "NotFound", "AWSIAM:USER_NOT_FOUND")
    expect.error("no such group", "iam_add", {"group": "None", "user": user}, "NotFound", "AWSIAM:GROUP_NOT_FOUND")
    expect.error("no such group", "iam_remove", {"group": "None", "user": user}, "NotFound", "AWSIAM:GROUP_NOT_FOUND")
    expect.result("no such user", "iam_remove", {"group": group, "user": "nobody"}, None)
    _check_refusals(expect, "iam_add", membership, keys)


def _check_sso(
    url: str, program: Path, keys: dict[str, dict[str, str]], known: dict[str, str], report: Report
) -> None:
    settings = {"region": REGION, "instance_arn": known["instance_arn"], **keys["allowed"]}
    expect = Expect("aws", Ours(program, "aws", url, settings), report)
    user, group, root = known["user_id"], known["group_id"], known["root"]
    membership = {"group_id": group, "user_id": user}
    of_account = {name: known[name] for name in ("permission_set", "account_id")}
    assignment = {**of_account, "user_id": user}
    expect.result("by address", "sso_user", {"email": "ana@example.com"}, user)
    expect.result("by user name", "sso_user", {"email": "ana"}, user)
    expect.result("nobody", "sso_user", {"email": "dora@example.com"}, None)
    expect.result("by name", "sso_group", {"name": "Admins"}, group)
    expect.error("no such group", "sso_group", {"name": "None"}, "NotFound", "AWSSSO:GROUP_NOT_FOUND")
    expect.result("all", "sso_groups", {}, ["Admins"])
    expect.result("all", "sso_permission_sets", {}, ["Power"])
    expect.result("all", "sso_accounts", {"parent": None}, ["master", "production"])
    expect.result("of the root", "sso_accounts", {"parent": root}, ["master", "production"])
    none = {"parent": "ou-none-00000000"}
    expect.error("no such unit", "sso_accounts", none, "NotFound", "AWSSSO:PARENT_NOT_FOUND")
    for what, role in (("with own keys", {}), ("as a role", {"role_arn": ROLE})):
        expect.result(what, "sso_add", membership, None, **role)
        expect.result(what, "sso_is_member", membership, True, **role)
        expect.result(what, "sso_members", {"group_id": group}, [user], **role)
        for again in ("", ", again"):
            expect.result(what + again, "sso_remove", membership, None, **role)
            expect.result(what + again, "sso_is_member", membership, False, **role)
        expect.result(what, "sso_grant", assignment, [], **role)
        expect.result(what, "sso_assigned", of_account, [user], **role)
        for again in ("", ", again"):
            expect.result(what + again, "sso_revoke", assignment, [], **role)
            expect.result(what + again, "sso_assigned", of_account, [], **role)
    _check_refusals(expect, "sso_add", membership, keys)
    _check_refusals(expect, "sso_grant", assignment, keys)


def _refusals(keys: dict[str, dict[str, str]]) -> list[tuple[str, dict[str, str], str]]:
    """Settings that AWS refuses, with the kinds of our errors."""
    return [
        ("a wrong secret key", {"secret_access_key": "w" * 40}, "Unauthorized"),
        ("an unknown key", {"access_key_id": "AKIAUNKNOWNKEY000000"}, "Unauthorized"),
        ("no permission", keys["denied"], "Forbidden"),
    ]


def _check_refusals(expect: Expect, call: str, arguments: dict[str, Any], keys: dict[str, dict[str, str]]) -> None:
    for what, settings, kind in _refusals(keys):
        expect.error(what, call, arguments, kind, **settings)
