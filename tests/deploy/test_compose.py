"""What can be known about the container files without an engine: that they are well-formed and name what exists."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import flower.options  # noqa: F401  defines Flower's options
import pytest
import yaml
from celery.bin.beat import beat
from celery.bin.celery import celery
from celery.bin.control import inspect
from celery.bin.worker import worker
from tornado.options import options as flower_options

from dialer.account_settings import AccountSettings
from dialer.providers.registry import specs
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

# https://github.com/compose-spec/compose-spec/blob/main/05-services.md, read on 2026-11-21: those in use here
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck", "image", "init", "logging",
    "networks", "ports", "read_only", "restart", "security_opt", "shm_size", "stop_grace_period", "tmpfs", "user",
    "volumes",
}  # fmt: skip
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
OURS = ("migrate", "worker", "beat", "console", "flower")
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(:[-?][^}]*)?\}|)")
INSTRUCTIONS = {"ARG", "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "CMD"}


class OnceOnly(yaml.SafeLoader):
    """Refuses a key said twice in one mapping, as compose does."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), f"said twice: {keys}"
        return super().construct_mapping(node, deep)


@pytest.fixture(scope="module")
def compose():
    return yaml.load((ROOT / "docker-compose.yml").read_text(), OnceOnly)  # noqa: S506  a safe loader


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def words(text) -> list[str]:
    """A command as the list of words an engine makes of it."""
    return [str(word) for word in text] if isinstance(text, list) else shlex.split(text)


def seconds(text: str) -> float:
    return float(re.fullmatch(r"(\d+)s", text)[1])


def test_there_is_a_service_for_each_process_of_the_design(services):
    assert set(services) == {"redis", "postgres", *OURS}


def test_only_keys_that_compose_knows_are_used(compose, services):
    assert {key for key in compose if not key.startswith("x-")} == {"name", "services", "volumes", "networks"}
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service.get("healthcheck", {})) <= HEALTH_KEYS, name


def test_every_service_that_stays_up_is_asked_for_its_health_and_comes_back(services):
    for name, service in services.items():
        if name == "migrate":
            assert service["restart"] == "no"
            assert "healthcheck" not in service
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_a_service_waits_for_services_that_exist_in_a_way_they_can_fulfil(services):
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            awaited = services[other]
            match how["condition"]:
                case "service_healthy":
                    assert "healthcheck" in awaited, (name, other)
                case "service_completed_successfully":
                    assert awaited["restart"] == "no", (name, other)
                case unknown:
                    pytest.fail(f"{name} waits for {other} in an unknown way: {unknown}")


def test_nothing_that_uses_the_ledger_starts_before_it_is_upgraded(services):
    for name in ("worker", "beat", "console", "flower"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_volumes_and_networks_in_use_are_declared(compose, services):
    for service in services.values():
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert set(service["networks"]) <= set(compose["networks"])


def test_every_command_of_ours_exists_where_the_package_is_installed(services):
    for name in OURS:
        program = words(services[name]["command"])[0]
        assert (BIN / program).exists(), (name, program)
        test = services[name].get("healthcheck", {}).get("test", ["CMD", "python"])
        assert (BIN / words(test[1])[0]).exists(), name


def flags(command) -> set[str]:
    return {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}


@pytest.mark.parametrize(
    ("name", "health", "known"),
    [
        ("worker", False, flags(celery) | flags(worker)),
        ("worker", True, flags(celery) | flags(inspect)),
        ("beat", False, flags(celery) | flags(beat)),
        ("beat", True, flags(celery) | flags(inspect)),
        ("flower", False, flags(celery) | {f"--{name}" for name in flower_options}),
    ],
)
def test_every_option_of_a_command_is_one_that_the_program_has(services, name, health, known):
    said = words(services[name]["healthcheck"]["test"][1] if health else services[name]["command"])
    used = {word.partition("=")[0] for word in said if word.startswith("-")}
    assert used
    assert used <= known


def test_a_worker_and_beat_are_asked_under_the_names_they_are_given(services):
    """By the program: Podman sets no HOSTNAME for what it runs in a container."""
    for name in ("worker", "beat"):
        assert f"--hostname={name}@%h" in services[name]["command"]
        assert f"--destination={name}@$$(hostname)" in services[name]["healthcheck"]["test"][1]


def test_every_module_named_in_a_command_is_one_of_ours(services):
    for name in ("worker", "beat", "flower"):
        assert "--app=workers.app" in services[name]["command"]
    assert find_spec("workers.app")
    assert services["console"]["command"] == ["python", "-m", "console.web"]
    assert find_spec("console.web.__main__")


def is_setting(variable: str) -> bool:
    """Whether a DIALER_ variable is read by the settings."""
    model, parts = Settings, variable.removeprefix("DIALER_").lower().split("__")
    if parts[0] == "accounts":
        return any(parts[2] in spec.settings.model_fields for spec in specs())
    for part in parts:
        if part not in model.model_fields:
            return False
        model = model.model_fields[part].annotation
    return True


def test_every_dialer_variable_named_is_a_real_setting():
    for file in ("docker-compose.yml", "deploy/compose.sandbox.yml", "Dockerfile"):
        named = set(re.findall(r"\bDIALER_\w+", (ROOT / file).read_text()))
        assert named
        assert {variable for variable in named if not is_setting(variable)} == set()


def test_a_variable_that_is_not_a_setting_would_be_noticed():
    assert not is_setting("DIALER_REDIS__HOST")
    assert not is_setting("DIALER_ACCOUNTS__MAIN__TOKEN")


def test_every_variable_asked_of_the_operator_has_a_default_or_is_demanded():
    for line in (ROOT / "docker-compose.yml").read_text().splitlines():
        for found in VARIABLE.finditer("" if line.lstrip().startswith("#") else line):
            assert found[0] == "$$" or found[2], line


def test_no_secret_is_written_down(services):
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key or "AUTH" in key or "LEDGER" in key:
                assert ":?" in str(value), (name, key)


def test_only_the_dialer_gets_the_accounts_keys(services):
    assert {name for name, service in services.items() if "env_file" in service} == set(OURS)


def test_a_rehearsal_adds_the_sandbox_and_accounts_that_lead_there_to_every_program():
    rehearsal = yaml.load((ROOT / "deploy" / "compose.sandbox.yml").read_text(), OnceOnly)["services"]  # noqa: S506
    assert set(rehearsal) == {"sandbox", *OURS}
    assert set(rehearsal["sandbox"]) <= SERVICE_KEYS
    assert rehearsal["sandbox"]["networks"] == ["inside"]
    for name in OURS:
        given = rehearsal[name]["environment"]
        assert {value for key, value in given.items() if key.endswith("__SANDBOX")} == {"true"}
        assert all("//sandbox:8900" in value for key, value in given.items() if key.endswith("__BASE_URL"))


def test_ports_are_open_to_this_machine_only_and_those_of_the_stores_not_at_all(services):
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"console", "flower"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_stores_are_on_a_network_without_a_way_out(compose, services):
    assert compose["networks"]["inside"] == {"internal": True}
    for name in ("redis", "postgres"):
        assert services[name]["networks"] == ["inside"]


def redis_arguments(services) -> list[str]:
    """What the server is started with, as the container's shell reads it."""
    shell, option, script = services["redis"]["command"]
    assert (shell, option) == ("sh", "-c")
    line, *password, end, rest = script.split("\n")
    assert (password, end, rest) == (["requirepass $$REDIS_PASSWORD"], "END", "")
    return shlex.split(line)


def test_redis_reads_its_password_where_nobody_else_does(services):
    exec_, program, config, *options, here = redis_arguments(services)
    assert (exec_, program, config, here) == ("exec", "valkey-server", "-", "<<END")
    assert not [option for option in options if "pass" in option]
    given = {"REDIS_PASSWORD", "REDISCLI_AUTH"}
    assert {services["redis"]["environment"][name] for name in given} == {"${REDIS_PASSWORD:?put it into .env}"}
    assert ":${REDIS_PASSWORD:?put it into .env}@" in services["worker"]["environment"]["DIALER_REDIS__URL"]


def test_redis_keeps_what_it_accepted_and_evicts_nothing(services):
    options = redis_arguments(services)[3:-1]
    told = dict(zip(options[::2], options[1::2], strict=True))
    assert told == {
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--maxmemory-policy": "noeviction",
        "--save": "",
    }
    assert any(volume.endswith(":/data") for volume in services["redis"]["volumes"])


def test_a_stopping_worker_has_time_for_the_longest_request(services):
    longest = next(part.le for part in AccountSettings.model_fields["timeout"].metadata if hasattr(part, "le"))
    assert seconds(services["worker"]["stop_grace_period"]) > longest


def test_the_dialers_containers_can_write_their_data_and_little_else(services):
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["volumes"] == ["data:/var/lib/dialer"]
        assert service["environment"]["DIALER_DATA_DIR"] == "/var/lib/dialer"


def dockerfile() -> list[tuple[str, str]]:
    """The Dockerfile's steps: instruction and the rest, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    steps = [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(step.split(maxsplit=1)[0], step.split(maxsplit=1)[1]) for step in steps]


def steps(instruction: str) -> list[str]:
    return [rest for name, rest in dockerfile() if name == instruction]


def copied() -> list[str]:
    """What is copied from our own folder into the image."""
    return [source for rest in steps("COPY") if not rest.startswith("--from=") for source in rest.split()[:-1]]


def test_the_dockerfile_parses():
    assert {name for name, _ in dockerfile()} <= INSTRUCTIONS
    assert next(rest.split()[-2:] for rest in steps("FROM")) == ["AS", "build"]
    assert all("python:${PYTHON}-slim" in rest for rest in steps("FROM"))
    stages = {rest.split(" AS ")[1] for rest in steps("FROM") if " AS " in rest}
    assert set(re.findall(r"--from=(\S+)", " ".join(steps("COPY")))) <= stages


@pytest.mark.parametrize("step", steps("RUN"))
def test_every_build_step_is_a_script_that_a_shell_can_read(step):
    assert subprocess.run(["/bin/sh", "-n", "-c", step], check=False).returncode == 0


@pytest.mark.parametrize("source", copied())
def test_everything_that_is_copied_exists_and_is_let_into_the_build(source):
    if source == "./":
        pytest.fail("the whole folder would be copied")
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_nothing_enters_the_build_that_is_not_asked_for():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == set(copied())
    assert {"**/.env", "**/dialer.toml"} <= set(lines)


def test_all_packages_are_in_the_image():
    assert {"dialer", "campaigns", "workers", "console", "pyproject.toml"} <= set(copied())


def test_the_image_is_built_from_the_pinned_versions():
    assert "pip install --require-hashes --requirement requirements/run.txt" in steps("RUN")


def test_the_image_runs_as_nobody_in_particular_and_installs_nothing():
    last = max(number for number, (name, _) in enumerate(dockerfile()) if name == "FROM")
    after = dockerfile()[last:]
    assert ("USER", "dialer") in after
    assert any("pip uninstall" in rest for name, rest in after if name == "RUN")
    assert not any("pip install" in rest for name, rest in after if name == "RUN")


def test_the_images_data_folder_is_the_one_that_compose_keeps(services):
    assert steps("VOLUME") == ["/var/lib/dialer"]
    assert any("DIALER_DATA_DIR=/var/lib/dialer" in rest for rest in steps("ENV"))
