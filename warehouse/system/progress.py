"""Show progress: a bar on a terminal, elsewhere a line from time to time."""

import shutil
import sys

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10  # where progress can't be shown in place


class Progress(tqdm):
    """The number of steps done, and of steps that failed."""

    monitor_interval = 0  # no thread of its own

    def __init__(self, work: str) -> None:
        self.failed = 0
        self.is_bar, self.is_shown = sys.stdout.isatty(), False
        size = shutil.get_terminal_size()  # has a default for unknown terminals
        super().__init__(
            desc=work,
            file=sys.stdout,
            ncols=size.columns,
            nrows=size.lines,
            miniters=1,
            # The following are tqdm's defaults, which TQDM_... in the environment would change.
            disable=False,
            initial=0,
            postfix=None,
            unit_scale=False,
            mininterval=0.1 if self.is_bar else SECONDS_BETWEEN_LINES,
            delay=sys.float_info.min,  # nothing before the first step
            bar_format="{desc}: {n_fmt} of {total_fmt}{postfix}"
            + (" {bar} {elapsed}" if self.is_bar else ""),
        )

    def start(self) -> None:
        """Show that the work has begun, where the first step may take a while."""
        self.display(f"{self.desc}: starting")

    def show(
        self, total: int | None = None, has_ended: bool = True, has_failed: bool = False
    ) -> None:
        """Count a step that has ended; not every event has the total."""
        self.total = total or self.total
        if has_failed:
            self.failed += 1
            self.set_postfix_str(f"{self.failed} failed", refresh=False)
        self.update(int(has_ended))

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Show a text, or the progress."""
        self.is_shown = True
        if self.is_bar:
            return super().display(msg, pos)
        print(msg or self, flush=True)
        return True

    def close(self) -> None:
        """Leave one permanent line, if any was written."""
        if self.is_shown and self.total:
            self.bar_format = "{desc}: {n_fmt} of {total_fmt}{postfix} in {elapsed_s:.1f} s"
            self.display()
        if self.is_shown and self.is_bar:
            print()

    def __del__(self) -> None:
        """Leave no line of interrupted work."""
