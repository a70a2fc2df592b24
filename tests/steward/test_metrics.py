"""The app tells Prometheus how it does, and only who has the token."""

import pytest

from steward.metrics import TOKEN
from store.settings import Settings
from tests.steward.desks import office


def test_metrics_are_for_who_has_the_token(
    seeded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office(seeded) as desk:
        stranger = desk.stranger()
        monkeypatch.delenv(TOKEN, raising=False)
        assert stranger.get("/metrics", Authorization="Bearer ").status_code == 404
        monkeypatch.setenv(TOKEN, "s3cret")

        refused = stranger.get("/metrics", Authorization="Bearer other")
        told = stranger.get("/metrics", Authorization="Bearer s3cret")

    assert refused.status_code == 404
    assert told.status_code == 200
    assert 'touchstone_app_requests_total{route="/metrics",status="404"} 2.0' in told.text
    assert "touchstone_customers " in told.text
