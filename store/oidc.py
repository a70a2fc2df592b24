"""Sign people in at an OpenID provider: the code flow with PKCE, state and nonce.

What the provider says of a person comes from its token endpoint directly, over TLS, which is why
the token's signature is not checked as well (OpenID Connect Core 3.1.3.7, 6); who it is from, whom
it is for, when it ends and the nonce are. Only loopback may be asked without TLS.
"""

import base64
import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx

from store.errors import TouchstoneError
from store.secrets import read_secret
from store.settings import Settings

SECRET = "OIDC_SECRET"  # noqa: S105 - what it is called
SCOPE = "openid profile email"
LASTS_SECONDS = 600
"""Within which somebody who was sent to the provider must be back."""
MOST_BEGUN = 2_000
CLOCKS_APART = 60
SECONDS = 10.0
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Told = dict[str, Any]
"""A JSON object of the provider's; `Any`, since it comes from outside."""


class ProviderError(TouchstoneError):
    """Nobody is signed in by this; the message says why, and holds nothing of a token."""


class Begun(NamedTuple):
    """A sign-in that somebody was sent away with."""

    url: str
    """Where the browser is sent."""
    state: str
    nonce: str
    verifier: str
    back: str
    next: str
    until: float


class Provider:
    """The provider that the settings name, for one app."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._turn = threading.Lock()
        self._begun: OrderedDict[str, Begun] = OrderedDict()
        self._known: Told | None = None
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log links and their codes

    @property
    def is_there(self) -> bool:
        """Whether a provider is named."""
        return bool(self._settings.oidc_issuer)

    def begin(self, back: str, next_page: str) -> Begun:
        """Send somebody to the provider; `back` is where it sends them afterwards."""
        state, nonce, verifier = token_urlsafe(32), token_urlsafe(32), token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        url = f"{self._place('authorization_endpoint')}?{urlencode(asked)}"
        until = self._clock() + LASTS_SECONDS
        begun = Begun(url, state, nonce, verifier, back, next_page, until)
        with self._turn:
            self._begun[state] = begun
            if len(self._begun) > MOST_BEGUN:
                self._begun.popitem(last=False)
        return begun

    def finish(self, state: str, code: str) -> tuple[str, Begun]:
        """The name by which the provider knows who is back; each state is good once."""
        with self._turn:
            begun = self._begun.pop(state, None)
        if begun is None or begun.until < self._clock():
            raise ProviderError("This sign-in is not known or too old; begin again.")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.back,
            "code_verifier": begun.verifier,
        }
        secret = read_secret(self._settings, SECRET)
        answer = self._ask(
            "POST",
            self._place("token_endpoint"),
            data=form,
            auth=httpx.BasicAuth(str(self._settings.oidc_client_id), secret),
        )
        claims = _claims(str(answer.get("id_token", "")))
        self._check(claims, begun)
        name = claims.get(self._settings.oidc_name_claim)
        if not isinstance(name, str) or not name:
            raise ProviderError(
                f"The provider does not say the {self._settings.oidc_name_claim} of this person."
            )
        return name, begun

    def _check(self, claims: Told, begun: Begun) -> None:
        """Whether a token is from the provider, for us, of now and of this sign-in."""
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        ours, now = self._settings.oidc_client_id, self._clock()
        ends = claims.get("exp")
        checks = {
            "it is from somebody else": claims.get("iss") == self._settings.oidc_issuer,
            "it is for somebody else": ours in named and claims.get("azp", ours) == ours,
            "it has ended": isinstance(ends, int | float) and ends + CLOCKS_APART > now,
            "it is of another sign-in": claims.get("nonce") == begun.nonce,
        }
        wrong = next((why for why, holds in checks.items() if not holds), None)
        if wrong:
            raise ProviderError(f"The provider's answer is not taken: {wrong}.")

    def _place(self, name: str) -> str:
        """An address of the provider's, as it describes itself."""
        if self._known is None:
            issuer = str(self._settings.oidc_issuer)
            found = self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise ProviderError(
                    "The provider calls itself otherwise than TOUCHSTONE_OIDC_ISSUER does; "
                    "write it as the provider does."
                )
            self._known = found
        return str(self._known.get(name, ""))

    def _ask(self, method: str, url: str, **sent: Any) -> Told:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ProviderError("The provider is asked over https only; mend its address.")
        try:
            with httpx.Client(timeout=SECONDS) as client:
                answer = client.request(method, url, **sent)
            found = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise ProviderError("The provider cannot be reached; try again in a minute.") from None
        if not isinstance(found, dict):
            raise ProviderError(f"The provider refused with {answer.status_code}; begin again.")
        return found


def _claims(token: str) -> Told:
    """What an ID token says."""
    try:
        _, payload, _ = token.split(".")
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderError("The provider's answer cannot be read.")
    return found
