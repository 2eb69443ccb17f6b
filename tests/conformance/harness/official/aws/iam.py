"""IAM: the requests that our client makes."""

from .connection import Aws, pages

PAGE = 1000


def iam_user(aws: Aws, user: str) -> str:
    return aws("iam").get_user(UserName=_name(user))["User"]["Arn"]


def iam_groups(aws: Aws, user: str) -> list[str]:
    groups = pages(aws("iam"), "list_groups_for_user", "Groups", PAGE, UserName=_name(user))
    return [group["GroupName"] for group in groups]


def iam_members(aws: Aws, group: str) -> list[str]:
    return [user["UserName"] for user in pages(aws("iam"), "get_group", "Users", PAGE, GroupName=group)]


def iam_add(aws: Aws, group: str, user: str) -> None:
    iam = aws("iam")
    try:
        iam.add_user_to_group(GroupName=group, UserName=_name(user))
    except iam.exceptions.NoSuchEntityException:
        # Which of them is missing is only in the message.
        iam.get_group(GroupName=group, MaxItems=1)
        iam.get_user(UserName=_name(user))
        raise


def iam_remove(aws: Aws, group: str, user: str) -> None:
    iam = aws("iam")
    try:
        iam.remove_user_from_group(GroupName=group, UserName=_name(user))
    except iam.exceptions.NoSuchEntityException:
        # Somebody who is not there is no member.
        iam.get_group(GroupName=group, MaxItems=1)


def _name(user: str) -> str:
    return user.rpartition("/")[2]


CALLS = (iam_user, iam_groups, iam_members, iam_add, iam_remove)
