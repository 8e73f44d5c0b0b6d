import pytest

from iom.embedded.supervise import read_options
from iom.embedded.trouble import Trouble

SERVER = {"DATABASE_URL": "postgresql://iom_app@db/iom_panel"}


def test_options_when_nothing_is_set():
    options = read_options({})

    assert (options.port, options.demo, options.own_database, options.own_queue) == (8000, True, True, True)
    assert options.address == "http://localhost:8000"
    assert options.env["DJANGO_SETTINGS_MODULE"] == "iom.settings.embedded"


@pytest.mark.parametrize(
    ("environ", "demo"),
    [
        ({"IOM_DEMO": "0"}, False),
        ({"IOM_DEMO": "1"}, True),
        ({"IOM_DEMO": ""}, True),
        (SERVER, False),
        ({**SERVER, "IOM_DEMO": "1"}, True),
    ],
    ids=["off", "on", "blank", "own-server", "own-server-on"],
)
def test_demonstration_is_loaded_unless_refused_or_not_ours_to_fill(environ, demo):
    assert read_options(environ).demo is demo


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80 80"])
def test_bad_port_is_named_with_the_remedy(port):
    with pytest.raises(Trouble, match="set it to a number from 1 to 65535"):
        read_options({"PORT": port})


def test_bad_demo_is_named_with_the_choices():
    with pytest.raises(Trouble, match="set it to 1 .* or 0"):
        read_options({"IOM_DEMO": "maybe"})


def test_owner_without_application_role_is_refused():
    with pytest.raises(Trouble, match="set both"):
        read_options({"DATABASE_OWNER_URL": "postgresql://iom_owner@db/iom_panel"})


def test_settings_module_of_the_environment_is_kept():
    assert read_options({"DJANGO_SETTINGS_MODULE": "mine"}).env["DJANGO_SETTINGS_MODULE"] == "mine"


@pytest.mark.parametrize("name", ["IOM_WEB_PROCESSES", "IOM_WORKERS"])
@pytest.mark.parametrize("number", ["0", "10", "-1", "two", "1.5"])
def test_bad_number_of_processes_is_named_with_the_remedy(name, number):
    with pytest.raises(Trouble, match=f"{name} is .* set it to a number from 1 to 9"):
        read_options({name: number})


def test_web_processes_listen_on_ports_that_follow_each_other():
    options = read_options({"PORT": "8100", "IOM_WEB_PROCESSES": "3", "IOM_WORKERS": "2"})

    assert (list(options.ports), options.workers) == ([8100, 8101, 8102], 2)
    assert list(read_options({}).ports) == [8000]
    with pytest.raises(Trouble, match="choose a lower PORT"):
        read_options({"PORT": "65535", "IOM_WEB_PROCESSES": "2"})
