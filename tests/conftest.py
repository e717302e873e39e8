"""For all tests: Ctrl-C works in them and in the programs they start, however the test run itself was started."""

from __future__ import annotations

import signal

# A shell starts its background jobs with the interrupt signal ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
