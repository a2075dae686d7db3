"""Every program, variable and port in docker-compose.yml exists."""

import importlib.util
from pathlib import Path

import pytest
import yaml

from gateway.settings import GatewaySettings
from services.ingestion.settings import IngestionSettings
from services.notifier.settings import NotifierSettings
from services.scheduler.settings import SchedulerSettings
from services.standalone import reference

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROGRAMS = {
    "ingestion": IngestionSettings,
    "scheduler": SchedulerSettings,
    "notifier": NotifierSettings,
    "gateway": GatewaySettings,
}
DATABASE_SCRIPT = COMPOSE["configs"]["databases"]["content"]


def environment(name):
    return {key: str(value) for key, value in COMPOSE["services"][name]["environment"].items()}


def filled_in(value):
    """Gives the value as Compose would, with `x` for what `.env` must give."""
    text = value
    while "${" in text:
        before, _, rest = text.partition("${")
        inside, _, after = rest.partition("}")
        text = before + (inside.partition(":-")[2] if ":-" in inside else "x") + after
    return text


def test_it_runs_the_four_programs_and_a_database():
    assert set(COMPOSE["services"]) == {*PROGRAMS, "postgres"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_command_is_a_program(name):
    python, flag, module = COMPOSE["services"][name]["command"]
    assert (python, flag) == ("python", "-m")
    assert importlib.util.find_spec(f"{module}.__main__")


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_variables_are_settings_of_the_program(name):
    known = {each.name for each in reference.variables_of(PROGRAMS[name])}
    assert set(environment(name)) - known == set()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_starts_with_its_variables(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for key, value in environment(name).items():
        monkeypatch.setenv(key, filled_in(value))
    settings = PROGRAMS[name]()
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_calls_the_others_where_they_listen(name):
    peers = {key: value for key, value in environment(name).items() if key.endswith("_ADDRESS")}
    for value in peers.values():
        host, _, port = value.partition(":")
        assert environment(host)[f"{host.upper()}_PORT"] == port


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_health_check_asks_the_port_it_listens_on(name):
    port = environment(name)[f"{name.upper()}_PORT"]
    assert f":{port}" in COMPOSE["services"][name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_database_and_user_are_its_own_and_are_made(name):
    url = environment(name)[f"{name.upper()}_DATABASE_URL"]
    assert url.startswith(f"postgresql://{name}:")
    assert url.endswith(f"@postgres/{name}")
    made = DATABASE_SCRIPT.partition("for name in ")[2].partition(";")[0].split()
    assert name in made


def test_only_the_gateway_is_published_and_only_on_loopback():
    ports = {name: each["ports"] for name, each in COMPOSE["services"].items() if "ports" in each}
    assert ports == {"gateway": ["127.0.0.1:8080:8080"]}
