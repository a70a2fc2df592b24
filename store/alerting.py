"""Send alerts: to a webhook, signed as Standard Webhooks says, and by mail.

An alert is a file before it is sent and is removed when everybody has it. So one that could not be
sent is sent by the next run, under the same id, by which a receiver knows a repeat. It holds names
of runs, sources and measures, and no personal data.
"""

import json
import smtplib
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from typing import NamedTuple
from uuid import uuid4

from standardwebhooks import Webhook

from store.errors import TouchstoneError
from store.files import read_json, write_json
from store.secrets import read_secret
from store.settings import Settings

SECRET = "ALERT_WEBHOOK_SECRET"  # noqa: S105 - the name of it
PASSWORD = "ALERT_MAIL_PASSWORD"  # noqa: S105 - the name of it
SECONDS = 10
"""How long a receiver may take; a night does not wait for one that hangs."""
MOST = 100
"""Alerts that wait; of more the oldest are dropped, since nobody reads so many."""


class Alert(NamedTuple):
    """Something that a person should know of."""

    kind: str
    """`run.failed`, `run.held_back`, `drift`, `delivery.held`, `queue.overdue`, `audit.found`."""
    title: str
    """One sentence."""
    text: str
    """What there is to know, in lines."""
    run_id: str | None
    at: datetime


def keep(settings: Settings, alert: Alert) -> None:
    """Put an alert where it waits; nobody is told yet."""
    if not channels(settings):
        return
    settings.alerts.mkdir(parents=True, exist_ok=True, mode=0o700)
    told = alert._asdict() | {"at": alert.at.isoformat(), "left": list(channels(settings))}
    write_json(settings.alerts / f"{alert.at:%Y%m%dT%H%M%S}-{uuid4().hex}.json", told)


def send_all(settings: Settings) -> list[str]:
    """Send what waits; why what could not be sent was not."""
    problems: dict[str, str] = {}
    waiting = sorted(settings.alerts.glob("[0-9]*.json")) if settings.alerts.is_dir() else []
    for path in waiting[:-MOST]:
        path.unlink()
    for path in waiting[-MOST:]:
        told = read_json(path)
        left = []
        for name in told["left"]:
            send = channels(settings).get(name)
            if name not in problems and send is not None:
                problem = _try(send, settings, path.stem, told)
                if problem:
                    problems[name] = problem
            if name in problems:
                left.append(name)
        if left:
            write_json(path, told | {"left": left})
        else:
            path.unlink()
    return [f"{name}: {why}" for name, why in problems.items()]


def waiting(settings: Settings) -> int:
    """How many alerts nobody has got yet."""
    return len(list(settings.alerts.glob("[0-9]*.json"))) if settings.alerts.is_dir() else 0


Told = dict[str, object]
"""An alert as it is kept."""


def channels(settings: Settings) -> dict[str, Callable[[Settings, str, Told], None]]:
    """How alerts are sent here."""
    found: dict[str, Callable[[Settings, str, Told], None]] = {}
    if settings.alert_url:
        found["webhook"] = _post
    if settings.alert_mail:
        found["mail"] = _mail
    return found


def _try(
    send: Callable[[Settings, str, Told], None], settings: Settings, name: str, told: Told
) -> str:
    """Send; why it could not be, without an address or a secret."""
    try:
        send(settings, name, told)
    except TouchstoneError as error:
        return str(error)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return f"it was not taken ({type(error).__name__})"
    return ""


def _post(settings: Settings, name: str, told: Told) -> None:
    import httpx  # loading it takes every command longer, and few send

    body = json.dumps(
        {
            "type": told["kind"],
            "timestamp": told["at"],
            "data": {key: told[key] for key in ("title", "text", "run_id")},
        },
        ensure_ascii=False,
    )
    moment = datetime.fromtimestamp(time.time()).astimezone()
    identity = f"msg_{name.rpartition('-')[2]}"
    signature = Webhook(read_secret(settings, SECRET)).sign(identity, moment, body)
    try:
        answer = httpx.post(
            settings.alert_url or "",
            content=body.encode(),
            headers={
                "content-type": "application/json",
                "webhook-id": identity,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": signature,
            },
            timeout=SECONDS,
        )
    except httpx.HTTPError as error:
        raise TouchstoneError(f"it was not taken ({type(error).__name__})") from error
    if not answer.is_success:
        raise TouchstoneError(f"the receiver answered {answer.status_code}")


def _mail(settings: Settings, name: str, told: Told) -> None:
    message = EmailMessage()
    message["Subject"] = f"Touchstone: {told['title']}"
    message["From"] = settings.mail_from
    message["To"] = settings.alert_mail
    message["Message-ID"] = f"<{name.rpartition('-')[2]}@touchstone>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{told['title']}\n\n{told['text']}\n\nRun {told['run_id']}")
    host, _, port = settings.mail_server.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=SECONDS) as server:
        server.ehlo()
        if server.has_extn("starttls") or settings.mail_user:
            server.starttls(context=ssl.create_default_context())
        if settings.mail_user:
            server.login(settings.mail_user, read_secret(settings, PASSWORD))
        server.send_message(message)
