"""Describe how a feed's deliveries are fetched from a partner: a folder, SFTP or a REST endpoint.

A secret is named here and never written here: the name is that of an environment variable, or of a
file in the folder of secrets.
"""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from rules.base import Rule

SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,79}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f]*$")]
Dotted = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]


class Patience(Rule):
    """How long and how often it is tried."""

    seconds: int = Field(600, gt=0, description="for all of one fetch; the rest waits")
    timeout: int = Field(30, gt=0, description="seconds without a byte until it is tried again")
    attempts: int = Field(
        5, gt=0, le=20, description="for one file or page, waiting longer each time"
    )


class FromFolder(Patience):
    """Files of a folder on this machine, or mounted on it; they are copied, never moved."""

    kind: Literal["folder"]
    folder: Path
    pattern: str = Field("*", description="glob that a file's name matches")
    quiet_seconds: int = Field(10, ge=0, description="a file is read when it is at least so old")


class FromSftp(Patience):
    """Files of a folder on an SFTP server, whose host key stands in `rules/known_hosts`."""

    kind: Literal["sftp"]
    host: str = Field(pattern=r"^[A-Za-z0-9._:-]+$")
    port: int = Field(22, gt=0, lt=65536)
    user: str
    key: SecretName | None = Field(None, description="a secret: the private key as its file has it")
    password: SecretName | None = Field(None, description="a secret: the password")
    folder: Path
    pattern: str = Field("*", description="glob that a file's name matches")
    quiet_seconds: int = Field(10, ge=0, description="a file is read when it is at least so old")

    @model_validator(mode="after")
    def _has_one_way_in(self) -> Self:
        if (self.key is None) == (self.password is None):
            raise ValueError("give either key or password, each the name of a secret")
        return self


class FromRest(Patience):
    """Pages of a REST endpoint; each is a delivery, byte for byte as it came."""

    kind: Literal["rest"]
    url: str
    params: dict[str, str] = Field(default_factory=dict, description="of the first page")
    secret: SecretName | None = Field(None, description="a secret: the token")
    header: str = Field(
        "Authorization", pattern=r"^[A-Za-z0-9-]+$", description="the header that carries the token"
    )
    paging: Literal["none", "page", "cursor", "next_link"] = "none"
    param: str | None = Field(None, description="page, cursor: the parameter that asks for a page")
    first_page: int = Field(1, ge=0, description="page: the number of the first")
    next: Dotted | None = Field(
        None,
        description="cursor, next_link: where a page says what comes next; unset: the Link header",
    )
    since_param: str | None = Field(None, description="the parameter that asks for what is newer")
    since_field: Dotted | None = Field(None, description="of a record: what `since_param` compares")
    since_start: str | None = Field(None, description="what the first fetch of all asks for")
    max_pages: int = Field(1000, gt=0, description="of one fetch; the next goes on from there")
    max_page_bytes: int = Field(50_000_000, gt=0, le=1 << 30)

    def needs_records(self) -> bool:
        """Whether a page's records are looked at: to know the last page, or the newest record."""
        return self.paging == "page" or self.since_field is not None

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        parts = urlsplit(self.url)
        is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
            raise ValueError("url begins with https://")
        if not parts.hostname or parts.username or parts.password or parts.fragment:
            raise ValueError(
                "url has a host and neither user, password nor fragment; name a `secret`"
            )
        return self

    @model_validator(mode="after")
    def _paging_is_whole(self) -> Self:
        if (self.paging in {"page", "cursor"}) != (self.param is not None):
            raise ValueError("`param` belongs to paging page or cursor, which needs it")
        if self.paging == "cursor" and self.next is None:
            raise ValueError("paging cursor needs `next`: where a page has the cursor of the next")
        if self.next is not None and self.paging not in {"cursor", "next_link"}:
            raise ValueError("`next` belongs to paging cursor or next_link")
        if (self.since_param is None) != (self.since_field is None):
            raise ValueError("since_param and since_field belong together")
        if self.since_start is not None and self.since_param is None:
            raise ValueError("since_start needs since_param")
        return self


Fetch = Annotated[FromFolder | FromSftp | FromRest, Field(discriminator="kind")]


def is_template(path: str) -> bool:
    """Whether a name of ours can stand for the one star of this glob's last part."""
    folder, _, name = path.rpartition("/")
    return name.count("*") == 1 and not re.search(r"[*?\[\]]", folder + name.replace("*", ""))
