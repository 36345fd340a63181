"""Harlequin in a terminal, as a person starts it: read-only, checked by its screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from conftest import Warehouse

COLUMNS, LINES = 160, 45
SECONDS_AT_MOST = 60
CONTROL_J, CONTROL_Q = "\x0a", "\x11"  # run the query; quit


class Terminal:
    """A separate terminal, in which one program runs."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environment)
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    @property
    def text(self) -> str:
        """The text on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self) -> bool:
        """Read the program's output to the screen; return whether it still runs."""
        if not select.select([self.fd], [], [], 0.1)[0]:
            return True
        try:
            written = os.read(self.fd, 65536)
        except OSError:  # it has ended
            return False
        self.stream.feed(written)
        return bool(written)

    def shows(self, *texts: str) -> None:
        """Wait until the screen shows some texts."""
        until = time.monotonic() + SECONDS_AT_MOST
        while not all(text in self.text for text in texts):
            assert self.read() and time.monotonic() < until, f"no {texts} on:\n{self.text}"

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def ended(self) -> int:
        """Wait for the program to end; return its exit code."""
        until = time.monotonic() + SECONDS_AT_MOST
        while self.read():
            assert time.monotonic() < until, f"it goes on:\n{self.text}"
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """End the program, if it still runs."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def harlequin(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Start Harlequin on the published file, with its own home folder."""
    program = Path(sys.executable).with_name("harlequin")
    command = [str(program), "--read-only", "--no-download-tzdata", str(warehouse.file)]
    home = tmp_path_factory.mktemp("home")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color"}
    terminal = Terminal(command, environment | {"LANG": "C.UTF-8"})
    try:
        terminal.shows("warehouse", "Run Query")
        yield terminal
    finally:
        terminal.close()


def test_a_query_is_answered_on_the_screen(harlequin: Terminal, warehouse: Warehouse) -> None:
    query = "select channel_id, sum(spend) as spent from marts.fct_performance_daily group by all"
    expected = warehouse.rows(query)
    harlequin.type(query)
    harlequin.shows("group by all")
    harlequin.type(CONTROL_J)
    harlequin.shows(f"({len(expected)} Records)")
    for channel, spent in expected:
        harlequin.shows(f"{channel} ", f" {spent}")
    harlequin.type(CONTROL_Q)
    assert harlequin.ended() == 0


def test_a_write_is_refused(harlequin: Terminal) -> None:
    harlequin.type("drop table marts.risk_inbox")
    harlequin.shows("drop table marts.risk_inbox")
    harlequin.type(CONTROL_J)
    harlequin.shows("read-only")
