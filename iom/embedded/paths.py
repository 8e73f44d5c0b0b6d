"""Where the embedded services keep their files and how they are reached: path arithmetic, nothing started.

PostgreSQL refuses to run as root, and the account it then runs under (`nobody`) may not enter a private home
folder; so as root its files lie under `/var/lib/iom-panel/`, one folder for each IOM_HOME.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ROOT_STORE = Path("/var/lib/iom-panel")

DATABASE = "iom_panel"
OWNER_ROLE = "iom_owner"
APPLICATION_ROLE = "iom_app"

# A socket's path has at most 107 bytes; the longest name we put in such a folder is ".s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
# PostgreSQL reads its socket folder as a comma-separated list with quoting rules of its own.
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/@+-]+")


def iom_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder where this installation's data lives: IOM_HOME, or `.iom` in the checkout."""
    given = environ.get("IOM_HOME", "").strip()
    return (Path(given) if given else CHECKOUT / ".iom").resolve()


def fingerprint(home: Path) -> str:
    """A short name that differs for each IOM_HOME."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]


def is_root() -> bool:
    """Whether PostgreSQL must be run under another account."""
    return os.geteuid() == 0


def postgres_folder(home: Path) -> Path:
    """The folder of the database's own files."""
    return ROOT_STORE / fingerprint(home) if is_root() else home / "postgres"


def _socket_folder(preferred: Path, home: Path, name: str) -> Path:
    path = os.fsencode(preferred)
    if len(path) <= LONGEST_SOCKET_FOLDER and PLAIN_PATH.fullmatch(os.fsdecode(path)):
        return preferred
    return Path("/tmp") / f"iom-panel-{os.geteuid()}-{fingerprint(home)}" / name  # noqa: S108 -- made private, owner checked


def postgres_socket_folder(home: Path) -> Path:
    """The private folder in which PostgreSQL listens."""
    return _socket_folder(postgres_folder(home) / "run", home, "postgres")


def valkey_socket(home: Path) -> Path:
    """The socket on which Valkey listens."""
    return _socket_folder(home / "run", home, "valkey") / "valkey.sock"


def database_url(home: Path, role: str = APPLICATION_ROLE, database: str = DATABASE) -> str:
    """The address of a database of the embedded server, for a role."""
    return f"postgresql://{role}@/{database}?host={quote(str(postgres_socket_folder(home)))}"


def broker_url(home: Path) -> str:
    """The address of the embedded queue, as Celery wants it."""
    return f"redis+socket://{quote(str(valkey_socket(home)))}?virtual_host=0"


def cache_url(home: Path) -> str:
    """The address of the embedded cache, as Django wants it."""
    return f"unix://{quote(str(valkey_socket(home)))}?db=2"


def urls(home: Path) -> dict[str, str]:
    """The addresses of everything embedded, under the names of the environment variables they replace."""
    return {
        "DATABASE_URL": database_url(home),
        "DATABASE_OWNER_URL": database_url(home, OWNER_ROLE),
        "REDIS_URL": broker_url(home),
        "CACHE_URL": cache_url(home),
    }
