"""IAM Identity Center, its identity store and the organization: the requests that our client makes."""

from typing import Any

from botocore.client import BaseClient

from .connection import Aws, pages

PAGE, ACCOUNTS_PAGE = 100, 20
CHANGES = {
    "creation": ("create_account_assignment", "describe_account_assignment_creation_status"),
    "deletion": ("delete_account_assignment", "describe_account_assignment_deletion_status"),
}


class Instance:
    """An instance of Identity Center, and its identity store."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.arn, self.admin = aws, aws.settings["instance_arn"], aws("sso-admin")
        found = pages(self.admin, "list_instances", "Instances", PAGE)
        store = next(instance["IdentityStoreId"] for instance in found if instance["InstanceArn"] == self.arn)
        self.store, self.in_store = aws("identitystore"), {"IdentityStoreId": store}

    def alternate(self, attribute: str, value: str) -> dict[str, Any]:
        identifier = {"UniqueAttribute": {"AttributePath": attribute, "AttributeValue": value}}
        return {**self.in_store, "AlternateIdentifier": identifier}

    def member(self, group_id: str, user_id: str) -> dict[str, Any]:
        return {**self.in_store, "GroupId": group_id, "MemberId": {"UserId": user_id}}

    def permission_set(self, arn: str) -> dict[str, Any]:
        found = self.admin.describe_permission_set(InstanceArn=self.arn, PermissionSetArn=arn)
        return found["PermissionSet"]

    def assigned(self, permission_set: str, account_id: str) -> list[str]:
        of_account = {"InstanceArn": self.arn, "AccountId": account_id, "PermissionSetArn": permission_set}
        found = pages(self.admin, "list_account_assignments", "AccountAssignments", PAGE, **of_account)
        return [one["PrincipalId"] for one in found if one["PrincipalType"] == "USER"]

    def change(self, kind: str, permission_set: str, account_id: str, user_id: str) -> list[str]:
        request, poll = CHANGES[kind]
        answer = getattr(self.admin, request)(
            InstanceArn=self.arn,
            TargetType="AWS_ACCOUNT",
            TargetId=account_id,
            PermissionSetArn=permission_set,
            PrincipalType="USER",
            PrincipalId=user_id,
        )
        member = f"AccountAssignment{kind.title()}"
        status = answer[f"{member}Status"]
        while status["Status"] == "IN_PROGRESS":
            answer = getattr(self.admin, poll)(InstanceArn=self.arn, **{f"{member}RequestId": status["RequestId"]})
            status = answer[f"{member}Status"]
        return [] if status["Status"] == "SUCCEEDED" else [status["FailureReason"]]


def sso_user(aws: Aws, email: str) -> str | None:
    sso = Instance(aws)
    for attribute in ("emails.value", "userName"):
        try:
            user = sso.store.get_user_id(**sso.alternate(attribute, email))["UserId"]
        except sso.store.exceptions.ResourceNotFoundException:
            continue
        return sso.store.describe_user(**sso.in_store, UserId=user)["UserId"]
    return None


def sso_group(aws: Aws, name: str) -> str:
    sso = Instance(aws)
    return sso.store.get_group_id(**sso.alternate("displayName", name))["GroupId"]


def sso_groups(aws: Aws) -> list[str]:
    sso = Instance(aws)
    return [group["DisplayName"] for group in pages(sso.store, "list_groups", "Groups", PAGE, **sso.in_store)]


def sso_members(aws: Aws, group_id: str) -> list[str]:
    sso = Instance(aws)
    found = pages(sso.store, "list_group_memberships", "GroupMemberships", PAGE, **sso.in_store, GroupId=group_id)
    return [membership["MemberId"]["UserId"] for membership in found]


def sso_add(aws: Aws, group_id: str, user_id: str) -> None:
    sso = Instance(aws)
    try:
        sso.store.create_group_membership(**sso.member(group_id, user_id))
    except sso.store.exceptions.ConflictException as error:
        if error.response.get("Reason") != "UNIQUENESS_CONSTRAINT_VIOLATION":
            raise


def sso_remove(aws: Aws, group_id: str, user_id: str) -> None:
    sso = Instance(aws)
    try:
        found = sso.store.get_group_membership_id(**sso.member(group_id, user_id))
    except sso.store.exceptions.ResourceNotFoundException:
        sso.store.describe_group(**sso.in_store, GroupId=group_id)
        return
    sso.store.delete_group_membership(**sso.in_store, MembershipId=found["MembershipId"])


def sso_is_member(aws: Aws, group_id: str, user_id: str) -> bool:
    sso = Instance(aws)
    found = sso.store.is_member_in_groups(**sso.in_store, MemberId={"UserId": user_id}, GroupIds=[group_id])
    return found["Results"][0]["MembershipExists"]


def sso_accounts(aws: Aws, parent: str | None) -> list[str]:
    return [account["Name"] for account in _accounts(aws("organizations"), parent)]


def sso_permission_sets(aws: Aws) -> list[str]:
    sso = Instance(aws)
    arns = pages(sso.admin, "list_permission_sets", "PermissionSets", PAGE, InstanceArn=sso.arn)
    return [sso.permission_set(arn)["Name"] for arn in arns]


def sso_grant(aws: Aws, permission_set: str, account_id: str, user_id: str) -> list[str]:
    sso = Instance(aws)
    # An account that is not in use would never be ready for an assignment, nor a user who is disabled.
    states = {account["Id"]: account["State"] for account in _accounts(aws("organizations"), None)}
    user = sso.store.describe_user(**sso.in_store, UserId=user_id)
    assert (states[account_id], user["UserStatus"]) == ("ACTIVE", "ENABLED")
    return sso.change("creation", permission_set, account_id, user_id)


def sso_revoke(aws: Aws, permission_set: str, account_id: str, user_id: str) -> list[str]:
    sso = Instance(aws)
    if user_id not in sso.assigned(permission_set, account_id):
        return []
    failures = sso.change("deletion", permission_set, account_id, user_id)
    # Until when sessions may last.
    sso.permission_set(permission_set)
    return failures


def sso_assigned(aws: Aws, permission_set: str, account_id: str) -> list[str]:
    return Instance(aws).assigned(permission_set, account_id)


def _accounts(organizations: BaseClient, parent: str | None) -> list[dict[str, Any]]:
    if parent is None:
        return pages(organizations, "list_accounts", "Accounts", ACCOUNTS_PAGE)
    return pages(organizations, "list_accounts_for_parent", "Accounts", ACCOUNTS_PAGE, ParentId=parent)


CALLS = (
    sso_user,
    sso_group,
    sso_groups,
    sso_members,
    sso_add,
    sso_remove,
    sso_is_member,
    sso_accounts,
    sso_permission_sets,
    sso_grant,
    sso_revoke,
    sso_assigned,
)
