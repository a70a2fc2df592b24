"""Take a decision back: once, however often the form is sent."""

from steward.desk.visit import Visit
from store.state.told import Told


def take_back(visit: Visit, told: Told, run_id: str, customer_id: str = "") -> None:
    """Undo a decision that holds, on the snapshot that was looked at, and note it in the audit."""
    if not told.holds:
        return
    visit.state.decisions.undo(
        told.decision_id,
        visit.actor.name,
        "taken back",
        snapshot_run_id=run_id,
        idempotency_key=f"desk-undo-{told.decision_id}-{visit.actor.name}",
    )
    decision = f"decision {told.decision_id}"
    visit.note("undo", customer_id or decision, decision if customer_id else "")
