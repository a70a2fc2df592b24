"""Say no to a person so that they know what to do next."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steward.desk.superseded import Change


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """A page that cannot be shown or an act that is not done."""

    def __init__(
        self,
        status: int,
        title: str,
        says: str,
        way: tuple[str, str] = ("To the start", "/"),
        *,
        key: str = "enter",
        change: "Change | None" = None,
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.says, self.key = status, title, says, key
        self.way = way
        """What the link out says, and where it leads."""
        self.change = change
        """What a run changed meanwhile."""


def not_here() -> Refused:
    """What does not exist, or not for this person: the same words for both, so neither is told."""
    return Refused(
        404,
        "There is nothing here for you",
        "It does not exist, or it belongs to campaigns that are not yours. An administrator can "
        "give you more campaigns.",
    )


def may_not(reason: str) -> Refused:
    """What a person's role and functions do not allow anywhere."""
    return Refused(403, "This is not yours to do", f"{reason} An administrator can change that.")


def foreign() -> Refused:
    """A post that another web page made this browser send."""
    return Refused(
        403,
        "This did not come from the desk",
        "Another page sent it, or the browser did not say which page did. Nothing was done. Go "
        "back to the desk and do it there.",
    )


def unreadable() -> Refused:
    """A post that no form of ours sends."""
    return Refused(400, "This cannot be read", "Nothing was done. Go back and send it again.")
