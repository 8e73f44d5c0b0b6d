"""The system libraries that PDFs need (Pango, HarfBuzz, fontconfig): are they here, and bringing them if not.

No package of PyPI carries them for Linux. `load()` is called before WeasyPrint is imported; as a program this
file brings them: with apt-get or, without the right to use that, unpacked into `.run/sys/`.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
UNPACKED = CHECKOUT / ".run" / "sys"
FONTCONFIG = Path(__file__).with_name("fonts.conf")
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
REMEDY = "PDFs are off until this is done: sudo apt-get install --no-install-recommends " + " ".join(PACKAGES)
REMEDY_ON_MACOS = "PDFs are off until this is done: brew install pango"

NAMES = {
    "linux": ("libgobject-2.0.so.0", "libpango-1.0.so.0", "libharfbuzz.so.0", "libfontconfig.so.1",
              "libpangoft2-1.0.so.0"),
    "darwin": ("libgobject-2.0.dylib", "libpango-1.0.dylib", "libharfbuzz.0.dylib", "libfontconfig.1.dylib",
               "libpangoft2-1.0.dylib"),
}  # fmt: skip


def load() -> bool:
    """Make the libraries ready for WeasyPrint in this process; False if the machine has none."""
    if not loadable():
        preload(UNPACKED)
    if not Path("/etc/fonts/fonts.conf").exists():
        os.environ.setdefault("FONTCONFIG_FILE", str(FONTCONFIG))
    return loadable()


def loadable() -> bool:
    """Whether every library is found under the name by which WeasyPrint asks for it."""
    try:
        for name in NAMES.get(sys.platform, NAMES["linux"]):
            ctypes.CDLL(name)
    except OSError:
        return False
    return True


def preload(folder: Path) -> None:
    """Load every library below `folder`, so that later requests by name find them.

    They need one another, in an order that nobody wrote down: those that fail are tried again.
    """
    waiting = sorted(folder.rglob("*.so.*"))
    while waiting:
        failed = [library for library in waiting if not _loads(library)]
        if len(failed) == len(waiting):
            return
        waiting = failed


def _loads(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def bring(say: Callable[[str], None]) -> bool:
    """Make the libraries available on this machine, by the first way that works; False if none did."""
    if load_in_new_process():
        return True
    if shutil.which("apt-get") is None:
        return False
    if program := _privilege():
        say("Installing the libraries for PDFs with apt-get.")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        _quiet([*program, "update", "-q"], quiet)
        _quiet([*program, "install", "-y", "-q", "--no-install-recommends", *PACKAGES], quiet)
        if load_in_new_process():
            return True
    say("Unpacking the libraries for PDFs into .run/sys, as this account may not install packages.")
    with suppress(OSError):
        unpack(UNPACKED)
    return load_in_new_process()


def load_in_new_process() -> bool:
    """Whether a fresh process can load the libraries: in this one an attempt may have left half of them."""
    return _quiet([sys.executable, str(Path(__file__)), "--loads"]).returncode == 0


def _privilege() -> tuple[str, ...]:
    if os.geteuid() == 0:
        return ("apt-get",)
    if shutil.which("sudo") and _quiet(["sudo", "-n", "true"]).returncode == 0:
        return ("sudo", "-n", "apt-get")
    return ()


def unpack(target: Path) -> None:
    """Fetch the missing packages, with all they need, and unpack them below `target`; needs no rights."""
    work = target.with_name("apt")
    archives = work / "archives"
    for folder in (work / "lists" / "partial", archives / "partial", target):
        folder.mkdir(parents=True, exist_ok=True)
    options = [f"-oDir::State::Lists={work / 'lists'}", f"-oDir::Cache={work}", "-oDebug::NoLocking=1"]
    _quiet(["apt-get", *options, "update", "-q"])
    plan = _quiet(["apt-get", *options, "install", "-s", "--no-install-recommends", *PACKAGES]).stdout
    missing = re.findall(r"^Inst (\S+)", plan, re.MULTILINE)
    if missing:
        _quiet(["apt-get", *options, "download", *missing], folder=archives)
    for archive in archives.glob("*.deb"):
        _quiet(["dpkg", "-x", str(archive), str(target)])
    shutil.rmtree(work, ignore_errors=True)


def _quiet(
    command: Sequence[str], extra: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, "LC_ALL": "C", **(extra or {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str]) -> int:
    """`--loads` only asks; otherwise bring the libraries. A failure stops nothing, it only says so."""
    if "--loads" in arguments:
        return 0 if load() else 1
    if not bring(lambda line: print(f"  {line}", flush=True)):  # noqa: T201 -- a step of the set-up speaks
        print(f"  {REMEDY_ON_MACOS if sys.platform == 'darwin' else REMEDY}", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
