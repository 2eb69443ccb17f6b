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
MAY = ["lambda:Invoke*", "secretsmanager:GetSecretValue", "sts:AssumeRole"]


def check(vendors: list[str], program: Path, installed: Path, folder: Path, report: Report) -> None:
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with server(NAME, command, [port], env, folder / "moto.log"):
        url = f"http://127.0.0.1:{port}"
        keys = _furnish(url)
        _check_aws(url, program, keys, report)


def _furnish(url: str) -> dict[str, dict[str, str]]:
    """Creates a function, a secret, a role, and two users: one with the permissions we need, and one without any. From then on,
    signatures and policies are checked."""

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
    return keys


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
    wrong_secret = {"secret_access_key": "w" * 40}
    unknown_key = {"access_key_id": "AKIAUNKNOWNKEY000000"}
    reply = {"body": {"granted": True}, "errors": []}

    invocation = {"arn": FUNCTION, "payload": {"event": {"type": "escalate", "name": "Ådne"}}}
    for what, settings in (("with own keys", {}), ("as a role", as_role)):
        _post(url, "static/lambda-simple/response", {"results": [json.dumps(reply)], "region": REGION})
        expect.result(what, "invoke", invocation, reply, **settings)
        expect.result(what, "invoke_async", invocation, True, **settings)
        expect.result(what, "get_secret", {"secret_id": "sym/okta"}, "00of-okta", **settings)
    # The error codes of moto differ from those of AWS here, so only the status is checked.
    refused = {"a wrong secret key": wrong_secret, "an unknown key": unknown_key, "no permission": keys["denied"]}
    for what, settings in refused.items():
        expect.error(what, "invoke", invocation, "Forbidden", **settings)
        expect.error(what, "invoke_async", invocation, "Forbidden", **settings)
        expect.error(what, "get_secret", {"secret_id": "sym/okta"}, "Forbidden", **settings)
        expect.error(f"as a role, {what}", "invoke", invocation, "Forbidden", "AWS:ASSUME_ROLE_FAILED", **as_role, **settings)
    expect.error("not there", "get_secret", {"secret_id": "sym/none"}, "NotFound")
