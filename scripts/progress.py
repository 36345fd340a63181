"""Show how far long work is: in place on a terminal, elsewhere in a line now and then."""

from __future__ import annotations

import sys
import time

SECONDS_BETWEEN_LINES = 10  # where progress can't be shown in place


class Progress:
    """How many steps of some work are done, and how many of them failed."""

    def __init__(self, work: str) -> None:
        self.work = work
        self.done = self.failed = self.total = 0
        self.in_place = sys.stdout.isatty()
        self.last = self.started = time.monotonic()

    def start(self) -> None:
        """Say that the work has begun, where the first step may take a while."""
        self.write(f"{self.work}: starting")

    def show(self, total: int | None, has_ended: bool = True, has_failed: bool = False) -> None:
        """Count a step, once it has ended; not every event knows of how many."""
        self.done, self.failed = self.done + has_ended, self.failed + has_failed
        self.total = total or self.total
        if self.in_place or time.monotonic() - self.last >= SECONDS_BETWEEN_LINES:
            self.write(f"{self.work}: {self.so_far()}")

    def so_far(self) -> str:
        """Return how many of how many are done, and how many failed if any did."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.total}{failed}"

    def end(self) -> None:
        """Leave one line that stays, if any was written."""
        if self.last == self.started:
            return
        if self.total:
            seconds = time.monotonic() - self.started
            self.write(f"{self.work}: {self.so_far()} in {seconds:.1f} s")
        if self.in_place:
            print()

    def write(self, text: str) -> None:
        """Show a text; on a terminal over the text before, which was at most as long."""
        self.last = time.monotonic()
        print(
            f"\r{text:<40}" if self.in_place else text,
            end="" if self.in_place else "\n",
            flush=True,
        )
