"""A simulated year: `python -m tests.year --nights 365`."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.flows.builders import found
from tests.year.living import Month, Plan, Year, grown, lost_names


def main() -> int:
    """Live through it; 0 when nothing drifted, nothing grew and every name leads on."""
    parser = argparse.ArgumentParser(prog="python -m tests.year")
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a file for a line of JSON each month")
    arguments = parser.parse_args()

    too_large: list[str] = []

    def tell(month: Month) -> None:
        sys.stdout.write(_line(month) + "\n")
        sys.stdout.flush()
        too_large.extend(grown(month, company.settings.snapshots_kept))
        if arguments.out:
            with arguments.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps(month._asdict()) + "\n")

    with tempfile.TemporaryDirectory(prefix="year-") as folder:
        company = found(Path(folder) / "company")
        year = Year(company, Plan(arguments.nights, arguments.seed))
        year.live(tell)
        lost = lost_names(company, year.ever)
        for problem in too_large:
            sys.stdout.write(f"{problem}\n")
        sys.stdout.write(f"{len(year.ever):,} customers ever published; {len(lost)} names lost.\n")
    return 1 if lost or too_large else 0


def _line(month: Month) -> str:
    kept = sum(month.sizes.values()) / 1e6
    files = ", ".join(
        f"{name} {size / 1e6:.1f} ({month.anew.get(name, 0) / 1e6:.1f})"
        for name, size in month.sizes.items()
    )
    return (
        f"night {month.night}: {month.records} records, {month.customers} customers, "
        f"{month.deliveries} deliveries, {month.seconds} s a night; {kept:.1f} MB: {files}"
    )


if __name__ == "__main__":
    sys.exit(main())
