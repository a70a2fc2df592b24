"""What holds for all tests: runs that they start in their own process keep its priority."""

import os

os.environ.setdefault("TOUCHSTONE_NIGHTLY_NICENESS", "0")
