"""AWS's own client."""

import json
from typing import Any

from botocore.exceptions import ClientError

from .. import kind_of_status
from . import iam, kinesis, sso
from .connection import Aws, Call

# Codes that mean more than the status 400 of their responses.
_KINDS = {
    "AccessDeniedException": "Forbidden",
    "ConflictException": "Conflict",
    "ResourceNotFoundException": "NotFound",
    "ParentNotFoundException": "NotFound",
}


def connect(base_url: str, settings: dict[str, str]) -> Aws:
    return Aws(base_url, settings)


class FunctionError(Exception):
    """The function was invoked, and failed."""


def kind_of(error: Exception) -> str | None:
    if isinstance(error, kinesis.Refused):
        return "Unavailable"
    if isinstance(error, FunctionError):
        return "Unavailable"
    # A role that cannot be assumed means that there are no credentials to work with.
    if isinstance(error, ClientError) and error.operation_name == "AssumeRole":
        return "Unauthorized"
    if not isinstance(error, ClientError):
        return None
    known = _KINDS.get(error.response["Error"]["Code"])
    return known or kind_of_status(error.response["ResponseMetadata"]["HTTPStatusCode"])


def invoke(aws: Aws, arn: str, payload: Any) -> Any:
    answer = aws("lambda").invoke(FunctionName=arn, InvocationType="RequestResponse", Payload=json.dumps(payload))
    content = answer["Payload"].read()
    if "FunctionError" in answer:
        raise FunctionError(content)
    return json.loads(content) if content else None


def invoke_async(aws: Aws, arn: str, payload: Any) -> bool:
    answer = aws("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(payload))
    return answer["StatusCode"] == 202


def get_secret(aws: Aws, secret_id: str) -> str:
    return aws("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]


CALLS: dict[str, Call] = {
    call.__name__: call for call in (invoke, invoke_async, get_secret, *iam.CALLS, *sso.CALLS, *kinesis.CALLS)
}
