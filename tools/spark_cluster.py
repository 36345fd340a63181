"""A Spark cluster on this machine: a master, some workers, and the Thrift server that dbt talks to.

`python tools/spark_cluster.py up` starts it on loopback from pyspark's own jars, `down` stops
what was started, and nothing else. All that it writes lies in .spark/: logs, tables, metastore.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
FOLDER = Path(".spark")
STATE = "cluster.json"
MINIMUM_JAVA = 17
SECONDS_TO_START = 90
SECONDS_TO_STOP = 20

CONFIGURATION = {
    # Timestamps are UTC, and a table is Parquet unless it says otherwise.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.createHiveTableByDefault": "false",
    # For the few rows of a small machine; adaptive execution merges partitions, but makes none.
    "spark.sql.shuffle.partitions": "8",
    # The driver lists folders itself: on one machine, a job of a task a folder takes longer.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "WARN",
}
"""What the Thrift server is told, besides where it runs. See docs/spark.md on a company's own."""


class ClusterError(Exception):
    """The cluster can't be started or stopped; the message says why, and what to do."""


@dataclass(frozen=True)
class Process:
    """A process that was started: its name, its id, and its class, which tells it from others."""

    name: str
    pid: int
    main_class: str

    def is_running(self) -> bool:
        """Tell whether it is still there; a zombie has no command any more."""
        # Not by its start time: the system counts that from a clock that can be set meanwhile.
        command = ["ps", "-ww", "-o", "args=", "-p", str(self.pid)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return self.main_class in shown.split()


class Cluster:
    """The processes of a cluster, and the folder that all of its files lie in."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder.resolve()
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def processes(self) -> list[Process]:
        """Those that were started and not stopped yet, in the order in which they were started."""
        state = self.folder / STATE
        try:
            entries = json.loads(state.read_text(encoding="utf-8")) if state.exists() else []
            return [Process(**entry) for entry in entries]
        except (ValueError, TypeError):
            raise ClusterError(
                f"{state} isn't what was written there, and what runs is not known: stop what"
                " `ps -ef` shows of org.apache.spark.deploy, and remove the file."
            ) from None

    def up(
        self,
        workers: int,
        cores: int,
        memory: str,
        port: int,
        settings: dict[str, str] | None = None,
    ) -> None:
        """Start a master, workers and the Thrift server; return when all are ready.

        Args:
            workers: How many.
            cores: Of each worker.
            memory: Of each worker, such as 2g; its executor has all of it.
            port: Where the Thrift server listens.
            settings: Further Spark configuration.

        Raises:
            ClusterError: If it can't be started. What had been started by then is stopped.

        """
        if any(process.is_running() for process in self.processes):
            raise ClusterError("The cluster is running. Stop it with `make spark-down`.")
        refuse_other_java()
        if is_listening(port):
            raise ClusterError(
                f"Something else listens on port {port}."
                " Choose another: export DBT_SPARK_PORT=10001"
            )
        for part in ("logs", "scratch", "work"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
            (self.folder / part).mkdir(parents=True)
        self.remember([])
        self.children = {}
        try:
            self.start(workers, cores, memory, port, settings or {})
        except BaseException:
            self.down()
            raise

    def start(
        self, workers: int, cores: int, memory: str, port: int, settings: dict[str, str]
    ) -> None:
        """Start all processes one after the other; see `up`."""
        master_port, ui_port = free_ports(2)
        master = f"spark://{HOST}:{master_port}"
        deploy = "org.apache.spark.deploy"
        print(f"Starting a master at {master}.", flush=True)
        self.run(
            "master",
            *(f"{deploy}.master.Master", "--host", HOST, "--port", str(master_port)),
            *("--webui-port", str(ui_port)),
        )
        self.wait_for(lambda: is_listening(ui_port))
        print(f"Starting {workers} workers of {cores} cores and {memory}.", flush=True)
        for number in range(1, workers + 1):
            self.run(
                f"worker-{number}",
                *(f"{deploy}.worker.Worker", "--host", HOST, "--webui-port", "0"),
                *("--cores", str(cores), "--memory", memory, master),
            )
        self.wait_for(lambda: alive_workers(ui_port) == workers)
        print(f"Starting the Thrift server on port {port}.", flush=True)
        configuration = CONFIGURATION | {
            "spark.master": master,
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.driver.memory": "2g",
            "spark.executor.cores": str(cores),
            "spark.executor.memory": memory,
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": (
                f"jdbc:derby:;databaseName={self.folder / 'metastore'};create=true"
            ),
            "spark.driver.extraJavaOptions": f"-Dderby.system.home={self.folder}",
        }
        arguments = [f"--conf={name}={value}" for name, value in (configuration | settings).items()]
        server = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
        self.run(
            "thrift-server",
            *(f"{deploy}.SparkSubmit", "--class", server, *arguments, "spark-internal"),
            *("--hiveconf", f"hive.server2.thrift.port={port}"),
            *("--hiveconf", f"hive.server2.thrift.bind.host={HOST}"),
        )
        self.wait_for(lambda: is_listening(port))

    def run(self, name: str, main_class: str, *arguments: str) -> None:
        """Start a process of Spark's in a group of its own, with its children, and remember it."""
        home = spark_home()
        environment = os.environ | {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(self.folder / "scratch"),
            "SPARK_WORKER_DIR": str(self.folder / "work"),
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
        }
        with (self.folder / "logs" / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                [str(home / "bin/spark-class"), main_class, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        self.children[name] = child
        self.remember([*self.processes, Process(name, child.pid, main_class)])

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; raise ClusterError if a process ends, or time is up."""
        end = time.monotonic() + SECONDS_TO_START
        while not condition():
            ended = [name for name, child in self.children.items() if child.poll() is not None]
            if ended or time.monotonic() > end:
                name = ended[0] if ended else list(self.children)[-1]
                log = self.folder / "logs" / f"{name}.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
                what = "ended" if ended else f"was not ready after {SECONDS_TO_START} s"
                raise ClusterError(f"The {name} {what}. The end of {log}:\n{tail}")
            time.sleep(0.2)

    def down(self) -> list[str]:
        """Stop what was started, the newest first, with its children; return the names of it."""
        stopped = []
        for process in reversed(self.processes):
            if process.is_running():
                stop_group(process)
                stopped.append(process.name)
            self.remember(self.processes[:-1])
        (self.folder / STATE).unlink(missing_ok=True)
        return stopped

    def remember(self, processes: list[Process]) -> None:
        """Write down what runs."""
        state = self.folder / STATE
        entries = [asdict(process) for process in processes]
        state.write_text(json.dumps(entries, indent=1), encoding="utf-8")


def stop_group(process: Process) -> None:
    """End a process and its children: an executor is a child of its worker."""
    for number, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        end = time.monotonic() + seconds
        while process.is_running() and time.monotonic() < end:
            time.sleep(0.1)
        if not process.is_running():
            return


def spark_home() -> Path:
    """Return the folder of pyspark, which holds all of Spark."""
    found = find_spec("pyspark")
    if found is None or not found.origin:
        raise ClusterError("pyspark is not installed here. `make spark-up` installs it.")
    return Path(found.origin).parent


def refuse_other_java() -> None:
    """Raise ClusterError unless the Java that Spark will use is recent enough."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin/java") if home else "java"
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
        version = int(said.split('"')[1].split(".")[0])
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError):
        raise ClusterError(
            f"Spark needs Java {MINIMUM_JAVA}, and `{java}` is none. Install it, or set JAVA_HOME."
        ) from None
    if version < MINIMUM_JAVA:
        raise ClusterError(
            f"Spark needs Java {MINIMUM_JAVA}, and `{java}` is {version}. Set JAVA_HOME to another."
        )


def port_of_server() -> int:
    """Return the port that the profile reads from the environment too."""
    port = os.environ.get("DBT_SPARK_PORT") or "10000"
    if not port.isdecimal():
        raise ClusterError(f"DBT_SPARK_PORT is {port!r}. It is a port, such as 10000.")
    return int(port)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def is_listening(port: int) -> bool:
    """Tell whether something listens on a port of this machine."""
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex((HOST, port)) == 0


def alive_workers(ui_port: int) -> int:
    """Return how many workers the master knows and hears of, once it answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{ui_port}/json/", timeout=5) as answer:
            return int(json.load(answer)["aliveworkers"])
    except (OSError, ValueError, LookupError):  # at first it listens, and knows no such page
        return 0


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--workers", type=int, default=2, help="how many (default: %(default)s)")
    parser.add_argument("--cores", type=int, default=1, help="of a worker (default: %(default)s)")
    parser.add_argument("--memory", default="2g", help="of a worker (default: %(default)s)")
    arguments = parser.parse_args()
    cluster = Cluster()
    try:
        port = port_of_server()
        if arguments.command == "up":
            cluster.up(arguments.workers, arguments.cores, arguments.memory, port)
            print(f"Ready: `make spark-build`. What it writes lies in {FOLDER}/.")
        else:
            stopped = cluster.down()
            print(f"Stopped {', '.join(stopped)}." if stopped else "No cluster was running.")
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
