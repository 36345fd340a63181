"""Put the dashboard of bi/superset into a Superset: one that is there, or one that is started here.

The files say which charts and metrics there are. Columns, their types and descriptions are taken
from the database, whose comments are those of the models.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import yaml

PROJECT = Path(__file__).resolve().parents[1]
ASSETS = PROJECT / "bi/superset"
HOME = PROJECT / "build/superset"
PUBLISHED = PROJECT / "warehouse.duckdb"
PAGE = "/superset/dashboard/marketing/"
USER = "admin"
SECONDS_AT_MOST = 300

CONFIGURATION = """\
SECRET_KEY = "{key}"
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
TALISMAN_ENABLED = False  # there is no https on this machine
"""


class DashboardError(Exception):
    """The dashboard isn't there; the message says why, and what to do."""


@dataclass
class Superset:
    """A server, asked by its REST API."""

    address: str
    headers: dict[str, str] = field(default_factory=dict)
    opener: OpenerDirector = field(
        default_factory=lambda: build_opener(HTTPCookieProcessor(CookieJar()))
    )

    def call(
        self, method: str, path: str, body: dict | bytes | None = None, kind: str = ""
    ) -> tuple[int, dict]:
        """Ask the API; return the status and the answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": kind or "application/json", **self.headers}
        request = Request(f"{self.address}{path}", data, headers, method=method)
        try:
            with self.opener.open(request, timeout=SECONDS_AT_MOST) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, {"message": error.reason}
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise DashboardError(f"No Superset answers at {self.address}: {reason}.") from None

    def done(
        self, method: str, path: str, body: dict | bytes | None = None, kind: str = ""
    ) -> dict:
        """Ask the API for what must be possible."""
        status, answer = self.call(method, path, body, kind)
        if status not in (200, 201):
            said = answer.get("errors") or answer.get("message") or answer
            raise DashboardError(f"Superset answered {method} {path} with {status}: {said}")
        return answer

    def log_in(self, user: str, password: str) -> None:
        """Log in; what is asked from now on is asked as this person."""
        login = {"username": user, "password": password, "provider": "db", "refresh": False}
        status, answer = self.call("POST", "/api/v1/security/login", login)
        if status == 401:
            advice = "Set SUPERSET_USER and SUPERSET_PASSWORD."
            raise DashboardError(f"{self.address} lets nobody in as {user!r}. {advice}")
        if "access_token" not in answer:
            raise DashboardError(f"{self.address} isn't a Superset: it has no login ({status}).")
        self.headers = {"Authorization": f"Bearer {answer['access_token']}"}
        token = self.done("GET", "/api/v1/security/csrf_token/")["result"]
        self.headers |= {"X-CSRFToken": token, "Referer": self.address}

    def put_in(self, file: str) -> None:
        """Put the dashboard in, reading a file by the path that the server knows it by.

        What was put in before is overwritten, and nothing else.
        """
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="bundle"; filename="bi.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        )
        body = head.encode() + bundle(file) + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        self.done("POST", "/api/v1/assets/import/", body, kind)
        for dataset in sorted(ASSETS.glob("datasets/*.yaml")):
            known_as = yaml.safe_load(dataset.read_text(encoding="utf-8"))["uuid"]
            number = self.done("GET", f"/api/v1/dataset/{known_as}")["result"]["id"]
            path = f"/api/v1/dataset/{number}"
            status, answer = self.call("PUT", f"{path}/refresh?override_columns=true")
            if status != 200:
                reason = f"{dataset.stem} can't be read from {file}: {answer.get('message')}"
                advice = "All of Superset's workers must be able to read the file by that path."
                raise DashboardError(f"{reason}. {advice}")
            columns = self.done("GET", path)["result"]["columns"]
            self.done("PUT", path, {"columns": [headed(column) for column in columns]})


def headed(column: dict) -> dict:
    """Return a dataset's column with the heading that people read, as Superset changes it."""
    name = column["column_name"].replace("_", " ").capitalize()
    return {"id": column["id"], "column_name": column["column_name"], "verbose_name": name}


def bundle(file: str) -> bytes:
    """Return the files as Superset imports them, with the path of the database."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(ASSETS.rglob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            if path.parent.name == "databases":
                text = text.replace("{file}", file)
            archive.writestr(f"bi/{path.relative_to(ASSETS)}", text)
    return packed.getvalue()


# ---- A server on this machine ---------------------------------------------------------------


@contextmanager
def served(home: Path, port: int = 0, **environment: str) -> Iterator[Superset]:
    """Start Superset for this machine alone, with its data in a folder, and end it.

    Args:
        home: The folder, which is set up the first time.
        port: Where it listens; 0, anywhere.
        environment: What differs from that of this process.

    """
    configuration = home / "superset_config.py"
    settings = os.environ | {
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(configuration),
        "PYTHONPATH": "",
        "SCARF_ANALYTICS": "false",  # or pages ask for a pixel elsewhere
        **environment,
    }
    programs = Path(sys.executable).parent
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as error:
            advice = "Name another one: make superset PORT=8090"
            raise DashboardError(f"Port {port} can't be used: {error.strerror}. {advice}") from None
        listening.listen()
        if not (home / "password").exists():
            set_up(home, configuration, programs, settings)
        descriptor = listening.fileno()
        options = ("--bind", f"fd://{descriptor}", "--threads", "4", "--timeout", "300")
        with (home / "log").open("w") as log:
            process = subprocess.Popen(
                [programs / "gunicorn", *options, "superset.app:create_app()"],
                cwd=home,
                env=settings,
                stdout=log,
                stderr=log,
                pass_fds=[descriptor],
            )
        try:
            superset = Superset(f"http://127.0.0.1:{listening.getsockname()[1]}")
            wait_for(superset, process, home / "log")
            superset.log_in(USER, (home / "password").read_text())
            yield superset
        finally:
            process.terminate()
            process.wait(timeout=60)


def set_up(home: Path, configuration: Path, programs: Path, settings: dict[str, str]) -> None:
    """Make Superset's own database, and one person who may do everything."""
    home.mkdir(parents=True, exist_ok=True)
    configuration.write_text(CONFIGURATION.format(key=secrets.token_hex(32), home=home))
    configuration.chmod(0o600)
    (home / "superset.db").unlink(missing_ok=True)  # of a start that was broken off
    password = secrets.token_urlsafe(12)
    person = ("--username", USER, "--password", password, "--email", "admin@example.com")
    for arguments in (
        ("db", "upgrade"),
        ("fab", "create-admin", *person, "--firstname", "Ada", "--lastname", "Lovelace"),
        ("init",),
    ):
        result = subprocess.run(
            [programs / "superset", *arguments],
            cwd=home,
            env=settings,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if result.returncode:
            said = result.stderr[-2000:]
            raise DashboardError(f"`superset {arguments[0]}` failed in {home}:\n{said}")
    (home / "password").touch(mode=0o600)
    (home / "password").write_text(password)


def wait_for(superset: Superset, process: subprocess.Popen, log: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + SECONDS_AT_MOST
    while True:
        try:
            with superset.opener.open(f"{superset.address}/health", timeout=5):
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text()[-2000:]
                raise DashboardError(f"Superset doesn't start. {log} ends:\n{said}") from None
            time.sleep(0.5)


def main() -> int:
    """Put the dashboard in, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at", help="a Superset that is there (else one is started here)")
    parser.add_argument("--file", default=PUBLISHED, help="the database, as Superset sees it")
    parser.add_argument("--port", type=int, default=8088, help="of the one that is started here")
    asked = parser.parse_args()
    try:
        if asked.at:
            superset = Superset(asked.at.rstrip("/"))
            user, password = (os.environ.get(f"SUPERSET_{it}", "") for it in ("USER", "PASSWORD"))
            superset.log_in(user, password)
            superset.put_in(str(asked.file))
            print(f"Open {superset.address}{PAGE}")
            return 0
        if not Path(asked.file).is_file():
            raise DashboardError(f"{asked.file} is missing. Run `make build`.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server ends with this
        print("Starting Superset; the first time takes a minute.", flush=True)
        with served(HOME, asked.port) as superset:
            superset.put_in(str(Path(asked.file).resolve()))
            password = (HOME / "password").read_text()
            print(f"Open {superset.address}{PAGE} as {USER}, password {password}")
            print("Ctrl+C ends it.", flush=True)
            while True:
                time.sleep(3600)
    except DashboardError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
