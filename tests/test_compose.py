"""docker-compose.yml, read and compared with the settings: no container engine runs here."""

import ast
import os
import re
import subprocess
import sys

import pytest
import yaml

from iom.embedded.paths import APPLICATION_ROLE, CHECKOUT, DATABASE, OWNER_ROLE
from iom.embedded.postgres import INITDB, SETTINGS
from iom.files import clamd, judging, office

TEXT = (CHECKOUT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
FILES = "/var/lib/iom-panel/files"
OURS = ["migrate", "web", "worker", "beat", "relay"]
GIVEN = {
    line.partition("=")[0]: line.partition("=")[2].strip()
    for line in (CHECKOUT / ".env.example").read_text().splitlines()
    if "=" in line and not line.startswith("#")
}
MADE_UP = {name: value or f"madeup{name.lower().replace('_', '')}0123456789" for name, value in GIVEN.items()}
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z_]+)(?P<rule>:[?-])?(?P<rest>[^}]*)\}")


def filled_in(value):
    return VARIABLE.sub(lambda found: MADE_UP[found["name"]], str(value)).replace("$$", "$")


def variables_of_production_settings():
    """Every `env.…("NAME")` and `secret("NAME")` of the module, and whether it may be missing."""
    tree = ast.parse((CHECKOUT / "iom" / "settings" / "production.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    read = {}
    for call in calls:
        reads = (
            getattr(call.func, "id", "") == "secret" or getattr(getattr(call.func, "value", None), "id", "") == "env"
        )
        if reads and call.args:
            if isinstance(call.args[0], ast.Constant):
                optional = any(keyword.arg == "default" for keyword in call.keywords)
                name = call.args[0].value
                read[name] = read.get(name, True) and optional
    return read


READ = variables_of_production_settings()
REQUIRED = {name for name, optional in READ.items() if not optional} | {"DATABASE_URL"}


def test_services_are_those_the_panel_needs():
    assert set(SERVICES) == {*OURS, "postgres", "valkey", "clamav", "proxy"}


@pytest.mark.parametrize("name", OURS)
def test_service_is_given_what_the_settings_require(name):
    given = set(SERVICES[name]["environment"]) - {"DJANGO_SETTINGS_MODULE"}

    assert REQUIRED - given == set()
    assert given - set(READ) == set()
    assert SERVICES[name]["environment"]["DJANGO_SETTINGS_MODULE"] == "iom.settings.production"


def test_only_the_migration_is_given_the_owner():
    assert [name for name in OURS if "DATABASE_OWNER_URL" in SERVICES[name]["environment"]] == ["migrate"]
    assert [name for name in OURS if OWNER_ROLE in str(SERVICES[name])] == ["migrate"]


def test_roles_and_database_are_those_of_the_embedded_server():
    addresses = SERVICES["migrate"]["environment"]
    script = (CHECKOUT / "deploy" / "postgres" / "roles.sh").read_text()

    assert filled_in(addresses["DATABASE_URL"]).startswith(f"postgresql://{APPLICATION_ROLE}:")
    assert filled_in(addresses["DATABASE_OWNER_URL"]).startswith(f"postgresql://{OWNER_ROLE}:")
    assert filled_in(addresses["DATABASE_URL"]).endswith(f"/{DATABASE}")
    assert f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE};" in script
    for role in (OWNER_ROLE, APPLICATION_ROLE):
        assert f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS" in script


def test_texts_sort_and_logs_keep_quiet_as_in_the_embedded_server():
    postgres = SERVICES["postgres"]

    assert postgres["environment"]["POSTGRES_INITDB_ARGS"].split() == [*INITDB][2:]
    for name in ("timezone", "log_timezone", "log_min_messages", "log_min_error_statement", "log_error_verbosity"):
        assert f"{name}={SETTINGS[name]}" in postgres["command"]


def test_no_secret_has_a_default():
    found = [match for match in VARIABLE.finditer(TEXT) if re.search("PASSWORD|SECRET|KEY", match["name"])]

    assert {match["name"]: match["rule"] for match in found if match["rule"] != ":?"} == {"EMAIL_HOST_PASSWORD": ":-"}
    assert all(match["rest"] == "" for match in found if match["rule"] == ":-")


def test_example_names_every_variable_and_holds_no_secret():
    assert set(GIVEN) == {match["name"] for match in VARIABLE.finditer(TEXT)}
    assert [name for name, value in GIVEN.items() if value and re.search("PASSWORD|SECRET|KEY", name)] == []


def test_only_the_proxy_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert [name for name, service in SERVICES.items() if "outside" in service["networks"]] == ["proxy"]


@pytest.mark.parametrize("name", OURS)
def test_mounted_and_started_files_exist(name):
    command = SERVICES[name]["command"]

    assert all((CHECKOUT / word).exists() for word in command if word.endswith(".py"))


def test_mounted_files_exist():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    from_here = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]

    assert len(from_here) == 5
    assert [path for path in from_here if not (CHECKOUT / path).is_file()] == []


def test_web_and_worker_may_be_more_than_one_and_nobody_is_bound_to_one():
    caddy = (CHECKOUT / "deploy" / "Caddyfile").read_text()

    for name in ("web", "worker"):
        assert {"container_name", "ports", "hostname"} & set(SERVICES[name]) == set()
        assert SERVICES[name]["volumes"] == [f"files:{FILES}"]
    assert re.findall(r"lb_policy (\S+)", caddy) == ["round_robin"]
    assert re.findall(r"dynamic a (\S+ \S+)", caddy) == ["web 8000"]


def test_named_volumes_are_declared():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]

    assert {mount.split(":")[0] for mount in mounts if not mount.startswith("./")} == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_files_lie_in_a_volume_that_every_process_of_ours_has(name):
    assert f"files:{FILES}" in SERVICES[name]["volumes"]


def test_scanner_is_there_for_those_who_ask_and_takes_the_largest_file():
    limits = dict(
        line.split(maxsplit=1)
        for line in (CHECKOUT / "deploy" / "clamd.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    megabytes = {name: int(value.removesuffix("M")) for name, value in limits.items() if value.endswith("M")}

    assert SERVICES["clamav"]["profiles"] == ["scanner"]
    assert limits["TCPSocket"] == str(clamd.PORT)
    assert megabytes["StreamMaxLength"] * 2**20 > judging.MOST_BYTES
    assert min(megabytes["MaxFileSize"], megabytes["MaxScanSize"]) * 2**20 > office.MOST_UNPACKED
    assert int(limits["MaxFiles"]) > office.MOST_ENTRIES
    assert int(limits["MaxScanTime"]) < clamd.SECONDS_TO_SCAN * 1000
    assert limits["AlertExceedsMax"] == "yes"


@pytest.mark.parametrize("name", OURS)
def test_settings_load_with_what_the_service_is_given(name):
    environment = {key: filled_in(value) for key, value in SERVICES[name]["environment"].items()}

    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import django; django.setup(); from django.conf import settings; print(settings.SITE_URL)",
        ],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == f"https://{MADE_UP['SITE_HOST']}"


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_production_without_a_required_variable_does_not_start_and_names_it(name):
    environment = {key: filled_in(value) for key, value in SERVICES["web"]["environment"].items() if key != name}

    loaded = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert loaded.returncode != 0
    assert name in loaded.stderr.splitlines()[-1]


def test_dockerfile_installs_by_hash_and_drops_its_rights():
    text = (CHECKOUT / "Dockerfile").read_text()

    assert "--require-hashes -r requirements-run.lock" in text
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["panel"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert [name for line in copied for name in line.split() if not (CHECKOUT / name).exists()] == []
