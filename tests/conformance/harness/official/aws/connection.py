"""Clients of AWS's services at one address."""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

# Services that have one endpoint, and the region that requests to it are signed for.
GLOBAL = {"iam": "us-east-1", "organizations": "us-east-1"}


class Aws:
    """Returns the client of a service when it is called, with own keys or as a role."""

    def __init__(self, base_url: str, settings: dict[str, str]) -> None:
        self.settings = settings
        self._base_url = base_url
        self._keys = {
            "aws_access_key_id": settings["access_key_id"],
            "aws_secret_access_key": settings["secret_access_key"],
        }

    def __call__(self, service: str) -> BaseClient:
        role = self.settings.get("role_arn")
        if role is None:
            return self._client(service, **self._keys)
        answer = self._client("sts", **self._keys).assume_role(
            RoleArn=role, RoleSessionName="conformance", ExternalId=self.settings["external_id"]
        )
        session = answer["Credentials"]
        return self._client(
            service,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    def _client(self, service: str, **keys: str) -> BaseClient:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
        session = boto3.session.Session(region_name=GLOBAL.get(service, self.settings["region"]), **keys)
        return session.client(service, endpoint_url=self._base_url, config=config)


def pages(client: BaseClient, operation: str, member: str, size: int, **arguments: Any) -> list[Any]:
    """Returns the items of all pages."""
    found = client.get_paginator(operation).paginate(**arguments, PaginationConfig={"PageSize": size})
    return [item for page in found for item in page.get(member, [])]


Call = Callable[..., Any]
