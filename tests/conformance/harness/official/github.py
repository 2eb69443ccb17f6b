"""PyGithub, which is not GitHub's own, but the most used client in Python."""

from collections.abc import Callable
from typing import Any

from github import Auth, Github, GithubException
from github.Organization import Organization
from github.Repository import Repository

from . import kind_of_status


class Client:
    """Objects that are not read before they are used."""

    def __init__(self, base_url: str, settings: dict[str, str]) -> None:
        self.github = Github(
            base_url=base_url, auth=Auth.Token(settings["api_token"]), per_page=100, retry=None, lazy=True
        )
        self._organization = settings["organization"]

    def organization(self) -> Organization:
        return self.github.get_organization(self._organization)

    def repo(self, name: str) -> Repository:
        return self.github.get_repo(f"{self._organization}/{name}", lazy=True)


def connect(base_url: str, settings: dict[str, str]) -> Client:
    return Client(base_url, settings)


def kind_of(error: Exception) -> str | None:
    return kind_of_status(error.status) if isinstance(error, GithubException) else None


def list_repos(client: Client) -> list[str]:
    return [repo.full_name for repo in client.organization().get_repos()]


def list_teams(client: Client) -> list[str]:
    return [team.slug for team in client.organization().get_teams()]


def get_repo(client: Client, repo: str) -> int:
    return client.repo(repo).id


def get_user_by_id(client: Client, id: int) -> str:
    return client.github.get_user_by_id(id).login


def collaborators(client: Client, repo: str) -> list[list[Any]]:
    return [[user.id, user.login, user.role_name] for user in client.repo(repo).get_collaborators(affiliation="all")]


def role_of(client: Client, repo: str, login: str) -> str:
    return client.repo(repo).get_collaborator_role_name(login)


def add_collaborator(client: Client, repo: str, login: str, permission: str) -> int | None:
    invitation = client.repo(repo).add_to_collaborators(login, permission)
    return invitation and invitation.id


def remove_collaborator(client: Client, repo: str, login: str) -> None:
    client.repo(repo).remove_from_collaborators(login)


def invitations(client: Client, repo: str) -> list[list[Any]]:
    found = client.repo(repo).get_pending_invitations()
    return [[item.id, item.invitee and item.invitee.login, item.permissions] for item in found]


def delete_invitation(client: Client, repo: str, id: int) -> None:
    client.repo(repo).remove_invitation(id)


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (
        list_repos,
        list_teams,
        get_repo,
        get_user_by_id,
        collaborators,
        role_of,
        add_collaborator,
        remove_collaborator,
        invitations,
        delete_invitation,
    )
}
