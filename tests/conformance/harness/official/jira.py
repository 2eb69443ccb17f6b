"""The client `jira`, which is not Atlassian's own, but the most used one in Python."""

from collections.abc import Callable
from typing import Any

from jira import JIRA, JIRAError

from . import kind_of_status


def connect(base_url: str, settings: dict[str, str]) -> JIRA:
    client = JIRA(
        server=base_url,
        basic_auth=(settings["email"], settings["api_token"]),
        options={"rest_api_version": "3"},
        get_server_info=False,
        max_retries=0,
    )
    # What the client would have read from `serverInfo` and from `field` before its first search, which it makes in Cloud only.
    client.deploymentType = "Cloud"
    client._fields_cache_value = {"summary": "summary", "status": "status"}
    return client


def kind_of(error: Exception) -> str | None:
    return kind_of_status(error.status_code) if isinstance(error, JIRAError) else None


def _document(text: str) -> dict[str, Any]:
    """A document of one paragraph: the client leaves documents to its callers."""
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def search_issues(jira: JIRA, jql: str, fields: list[str]) -> list[list[Any]]:
    found = jira.enhanced_search_issues(jql, maxResults=0, fields=fields, use_post=True)
    return [[issue.key, issue.fields.summary] for issue in found]


def create_issue(
    jira: JIRA, title: str, project_key: str, issue_type: str, description: str, labels: list[str]
) -> str:
    fields = {
        "summary": title,
        "project": {"key": project_key},
        "issuetype": {"name": issue_type},
        "description": _document(description),
        "labels": [*labels, "sym-run-1"],
    }
    return jira.create_issue(fields=fields, prefetch=False).key


def add_comment(jira: JIRA, issue: str, text: str, internal: bool = False) -> str:
    return jira.add_comment(issue, _document(text), is_internal=internal).id


def transition_issue(jira: JIRA, issue: str, transition: str) -> None:
    jira.transition_issue(issue, transition)


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call for call in (search_issues, create_issue, add_comment, transition_issue)
}
