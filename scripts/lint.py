"""`make lint`: everything a reader should not have to look for. All of it runs, then the failures are named."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

# Fully typed: the rules of the domain, and what runs before anything else does.
TYPED = (
    "iom/working_days.py",
    "iom/deadlines.py",
    "iom/cadence.py",
    "iom/terms.py",
    "iom/policy",
    "iom/files/judging.py",
    "iom/embedded",
    "offenders/alike.py",
    "offenders/asks.py",
    "offenders/assurance.py",
    "offenders/leads.py",
    "offenders/mismatch.py",
    "offenders/rag.py",
    "offenders/release_days.py",
    "referrals/eligibility.py",
    "referrals/near_release.py",
    "referrals/trying.py",
    "referrals/offences.py",
    "referrals/ogrs.py",
    "referrals/ovp.py",
    "referrals/predictors.py",
    "actionplans/balance.py",
    "actionplans/court_words.py",
    "actionplans/quickline.py",
    "actionplans/reviewing.py",
    "actionplans/supervising.py",
    "panels/canonical.py",
    "panels/copies.py",
    "panels/quorum.py",
    "panels/running_order.py",
    "panels/slotting.py",
    "panels/succession.py",
    "panels/suggestions.py",
    "panels/voting.py",
    "scripts",
)
PYTHON = sys.executable
BIN = Path(sys.executable).parent

# No secrets: what `check --deploy` needs to look at the production settings at all.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "iom.settings.production",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!-",
    "ALLOWED_HOSTS": "panel.example",
    "SITE_URL": "https://panel.example",
    "DATABASE_URL": "postgresql://iom_app@/iom_panel",
    "REDIS_URL": "redis://localhost/0",
    "EMAIL_HOST": "mail.example",
    "DEFAULT_FROM_EMAIL": "panel@panel.example",
    "SECOND_FACTOR_KEYS": "b25seS1mb3ItdGhlLWxpbnQtb25seS1mb3ItbGludCE=",
    "AUDIT_HEADS": "mailto:heads@panel.example",
    "HEADS_KEYS": "aGVhZHMtZm9yLXRoZS1saW50LWhlYWRzLWYtbGludCE=",
}

CHECKS: dict[str, tuple[list[str], dict[str, str]]] = {
    "ruff": ([str(BIN / "ruff"), "check", "."], {}),
    "format": ([str(BIN / "ruff"), "format", "--check", "--quiet", "."], {}),
    "types": ([PYTHON, "-m", "mypy", "--strict", *TYPED], {}),
    "imports": ([str(BIN / "lint-imports"), "--no-cache"], {}),
    "migrations": ([PYTHON, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run"], {}),
    "check": ([PYTHON, "manage.py", "check"], {}),
    "deploy": ([PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
}


def passes(name: str) -> bool:
    """Run one check; its output is shown only if it fails."""
    command, env = CHECKS[name]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(f"{name:<12}{'passed' if done.returncode == 0 else 'FAILED'}\n")
    if done.returncode != 0:
        sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return done.returncode == 0


def main() -> int:
    """Run every check; exit code 1 if one failed."""
    failed = [name for name in CHECKS if not passes(name)]
    if failed:
        sys.stdout.write(f"Failed: {', '.join(failed)}.\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
