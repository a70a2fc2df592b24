"""Know a sender by the signature of the Standard Webhooks specification.

The signature is over the id, the time and the body, so none of them can be changed on the way;
the time must be within five minutes of ours, so that a post that was overheard is of no use
later, and within them its id makes it a repeat.
"""

import re
from collections.abc import Iterable, Mapping

from standardwebhooks import Webhook

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What a post may be called: it is published as a key, so it has no room for an address."""
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_TIME = re.compile(r"[0-9]{1,12}")


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether a post claims to be signed; then it must be, whoever else may post."""
    return any(name in headers for name in HEADERS)


def has_valid_signature(keys: Iterable[bytes], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the keys made one of the signatures."""
    told = {name: headers.get(name, "") for name in HEADERS}
    if not ID.fullmatch(told["webhook-id"]) or not _TIME.fullmatch(told["webhook-timestamp"]):
        return False
    return any(_fits(key, told, body) for key in keys)


def _fits(key: bytes, told: dict[str, str], body: bytes) -> bool:
    """The library raises errors of many kinds for what is no signature at all."""
    try:
        Webhook(key).verify(body, told, json_parse=False)
    except Exception:
        return False
    return True
