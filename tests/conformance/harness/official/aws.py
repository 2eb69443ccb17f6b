"""AWS's own client."""

import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from . import kind_of_status

Connect = Callable[[str], BaseClient]


def connect(base_url: str, settings: dict[str, str]) -> Connect:
    keys = {
        "aws_access_key_id": settings["access_key_id"],
        "aws_secret_access_key": settings["secret_access_key"],
    }
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)

    def client(service: str, **keys: str) -> BaseClient:
        session = boto3.session.Session(region_name=settings["region"], **keys)
        return session.client(service, endpoint_url=base_url, config=config)

    def as_configured(service: str) -> BaseClient:
        role = settings.get("role_arn")
        if role is None:
            return client(service, **keys)
        answer = client("sts", **keys).assume_role(
            RoleArn=role, RoleSessionName="conformance", ExternalId=settings["external_id"]
        )
        session = answer["Credentials"]
        return client(
            service,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return as_configured


class FunctionError(Exception):
    """The function was invoked, and failed."""


def kind_of(error: Exception) -> str | None:
    if isinstance(error, FunctionError):
        return "Unavailable"
    if not isinstance(error, ClientError):
        return None
    if error.response["Error"]["Code"] == "ResourceNotFoundException":
        return "NotFound"
    return kind_of_status(error.response["ResponseMetadata"]["HTTPStatusCode"])


def invoke(aws: Connect, arn: str, payload: Any) -> Any:
    answer = aws("lambda").invoke(FunctionName=arn, InvocationType="RequestResponse", Payload=json.dumps(payload))
    content = answer["Payload"].read()
    if "FunctionError" in answer:
        raise FunctionError(content)
    return json.loads(content) if content else None


def invoke_async(aws: Connect, arn: str, payload: Any) -> bool:
    answer = aws("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(payload))
    return answer["StatusCode"] == 202


def get_secret(aws: Connect, secret_id: str) -> str:
    return aws("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]


CALLS: dict[str, Callable[..., Any]] = {call.__name__: call for call in (invoke, invoke_async, get_secret)}
