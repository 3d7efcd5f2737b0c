"""A SLURM cluster of one host, real in all but its GPUs: munge, MariaDB, slurmdbd, slurmctld and slurmd in a folder.

    python tests/slurm_cluster.py FOLDER COMMAND...    starts one, runs the command in it and stops it

It has a partition `cpu` and a partition `gpu` whose two GPUs are other device files: SLURM counts them, gives them to
jobs and sets CUDA_VISIBLE_DEVICES, but nothing can compute on them. Everything is on loopback, on free ports.
"""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "srun", "sacct")
"""Debian and Ubuntu: slurm-wlm slurmdbd munge mariadb-server."""
DEVICES = ("/dev/null", "/dev/zero")
"""What stands for the GPUs."""
CPUS, MEMORY = 8, 128_000
"""What the node says it has (memory in MB), whatever the host has."""

SLURM = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmdPort={slurmd}
SlurmUser=root
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
AccountingStoragePass={folder}/munge/socket
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
Prolog={folder}/bin/prolog
EnforcePartLimits=ALL
GresTypes=gpu
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}
PartitionName=cpu Nodes=node Default=YES
PartitionName=gpu Nodes=node
"""
SLURMDBD = """\
DbdHost=localhost
DbdPort={slurmdbd}
SlurmUser=root
AuthInfo=socket={folder}/munge/socket
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mariadb}
StorageUser=root
"""


class ClusterError(RuntimeError):
    """A daemon did not come up; the message holds the end of its log."""


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "SLURM's daemons are started by root only"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return (
            f"SLURM is not installed ({', '.join(absent)}): apt-get install slurm-wlm slurmdbd munge mariadb-server"
        )
    return None


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def await_that(what: Callable[[], bool], name: str, log: Path, seconds: float = 30) -> None:
    """Wait until `what` holds.

    Raises:
        ClusterError: it does not in time.
    """
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else "no log"
            raise ClusterError(f"{name} did not come up in {seconds:.0f} s:\n{tail}")
        time.sleep(0.1)


def answers(*call: str, said: str = "", **environment: str) -> bool:
    """Whether a command ends well and prints `said`."""
    done = subprocess.run(call, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return done.returncode == 0 and said in done.stdout


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def daemon(log: Path, *call: str, **environment: str) -> Iterator[None]:
    """A process in the foreground that is stopped with the block; its messages go to `log`."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            call, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={**os.environ, **environment}
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def configure(folder: Path) -> dict[str, int]:
    """Write all settings; returns the port of each daemon."""
    ports: dict[str, int] = dict(zip(("mariadb", "slurmdbd", "slurmctld", "slurmd"), free_ports(4), strict=True))
    values = {
        **ports,
        "folder": folder,
        "host": platform.node(),
        "cpus": CPUS,
        "memory": MEMORY,
        "gpus": len(DEVICES),
    }
    folder.mkdir(parents=True)
    for name in ("munge", "state", "spool", "bin"):
        (folder / name).mkdir(mode=0o755)
    files = {
        "munge/key": secrets.token_bytes(128),
        "slurm.conf": SLURM.format(**values).encode(),
        "slurmdbd.conf": SLURMDBD.format(**values).encode(),
        "gres.conf": "".join(f"NodeName=node Name=gpu File={device}\n" for device in DEVICES).encode(),
    }
    for name, data in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
    for name in ("slurm.conf", "gres.conf"):
        (folder / name).chmod(0o644)
    # Snakemake's plugin takes SLURM_CONF from the environment of srun: elsewhere the settings are in /etc/slurm.
    step = folder / "bin" / "srun"
    step.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    step.chmod(0o755)
    # What is done for a job that SLURM calls running before anything of it is: it takes as long as a test likes.
    prolog = folder / "bin" / "prolog"
    prolog.write_text(f"#!/bin/sh\nwhile [ -e '{held(folder)}' ]; do sleep 0.1; done\n")
    prolog.chmod(0o755)
    return ports


def held(folder: Path) -> Path:
    """The file that keeps jobs from beginning as long as it is there, of a cluster in a folder."""
    return folder / "held"


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Run a cluster in a new folder; gives the environment variables by which SLURM's commands find it.

    Raises:
        ClusterError: a daemon did not come up.
    """
    ports = configure(folder)
    settings = {
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    log = {name: folder / f"{name}.log" for name in ("munged", "mariadb", "slurmdbd", "slurmctld", "slurmd")}
    with ExitStack() as stack:

        def start(name: str, up: Callable[[], bool], *call: str) -> None:
            stack.enter_context(daemon(log[name], *call, **settings))
            await_that(up, name, log[name])

        munge, data = folder / "munge", folder / "mariadb"
        start(
            "munged", (munge / "socket").exists, "munged", "--foreground", "--force", f"--socket={munge}/socket",
            f"--key-file={munge}/key", f"--pid-file={munge}/pid", f"--seed-file={munge}/seed",
            f"--log-file={munge}/log",
        )  # fmt: skip
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, capture_output=True,
        )  # fmt: skip
        start(
            "mariadb", lambda: listens(ports["mariadb"]), "mariadbd", "--no-defaults", f"--datadir={data}",
            "--user=root", f"--port={ports['mariadb']}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            f"--socket={data}/socket", f"--pid-file={data}/pid", "--innodb-flush-log-at-trx-commit=0",
        )  # fmt: skip
        start("slurmdbd", lambda: listens(ports["slurmdbd"]), "slurmdbd", "-D")
        start("slurmctld", lambda: answers("scontrol", "ping", said="UP", **settings), "slurmctld", "-D", "-i")
        start(
            "slurmd",
            lambda: answers("sinfo", "-h", "-o", "%T", said="idle", **settings),
            "slurmd",
            "-D",
            "-N",
            "node",
        )
        registered = ["sacctmgr", "-n", "list", "cluster", "format=controlport"]
        await_that(
            lambda: answers(*registered, said=str(ports["slurmctld"]), **settings), "slurmdbd", log["slurmdbd"]
        )
        try:
            yield settings
        finally:
            # The step daemons of running jobs would outlive slurmd.
            subprocess.run(["scancel", "--user=root"], env={**os.environ, **settings}, check=False)
            idle = ["squeue", "-h", "-o", "job"]
            await_that(lambda: not answers(*idle, said="job", **settings), "the end of all jobs", log["slurmctld"])


if __name__ == "__main__":
    if why := missing():
        sys.exit(f"error: {why}")
    with cluster(Path(sys.argv[1]).resolve()) as own:
        sys.exit(subprocess.run(sys.argv[2:], env={**os.environ, **own}, check=False).returncode)
