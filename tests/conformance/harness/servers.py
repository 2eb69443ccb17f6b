"""Servers as child processes, which listen on loopback only and end with this process."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

STARTS_WITHIN = 40.0
ENDS_WITHIN = 5.0
LISTEN = "0A"
# As /proc/net/tcp and /proc/net/tcp6 write 127.0.0.1 and ::1.
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


class Broken(Exception):
    """The comparison cannot be run."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(name: str, command: list[str], ports: list[int], env: dict[str, str], log: Path) -> Iterator[None]:
    """Runs a server until the block is left. It is ready when each port accepts connections."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=env,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A process group of its own, so that its children end with it.
            start_new_session=True,
        )
    try:
        for port in ports:
            _wait_for(name, process, port, log)
        _check_loopback(name, process.pid)
        yield
    finally:
        _end(process)


def _wait_for(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Broken(f"{name} ended with {process.returncode}:\n{_tail(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Broken(f"{name} does not listen on 127.0.0.1:{port} after {STARTS_WITHIN:.0f} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _end(process: subprocess.Popen[bytes]) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDS_WITHIN)
            return


def _check_loopback(name: str, group: int) -> None:
    """Fails if a process of the group listens on an address that other machines can reach."""
    sockets = _sockets_of(group)
    addresses = [address for inode, address in _listeners() if inode in sockets]
    if not addresses:
        raise Broken(f"cannot tell where {name} listens")
    if open_to_others := [address for address in addresses if address.split(":")[0] not in LOOPBACK]:
        raise Broken(f"{name} listens beyond loopback: {', '.join(open_to_others)}")


def _listeners() -> Iterator[tuple[str, str]]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN:
                    yield fields[9], fields[1]


def _sockets_of(group: int) -> set[str]:
    inodes = set()
    for entry in Path("/proc").iterdir():
        # A process may have ended in the meantime.
        with contextlib.suppress(OSError):
            if not entry.name.isdecimal() or os.getpgid(int(entry.name)) != group:
                continue
            for descriptor in (entry / "fd").iterdir():
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes
