"""docker-compose.yml: the keys it uses, its images, and the word of a missing engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from interop.cluster import REPOSITORY, docker_missing
from interop.processes import BROKER_PORTS

COMPOSE = REPOSITORY / "docker-compose.yml"
SERVICE_KEYS = {
    "image", "build", "command", "configs", "depends_on", "environment", "healthcheck",
    "network_mode", "profiles", "pull_policy", "restart", "stop_grace_period", "volumes",
}  # fmt: skip
RELEASE = "${ROCKETMQ_VERSION:-5.5.0}"
OFFICIAL = f"apache/rocketmq:{RELEASE}"
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text())


def java(compose: dict) -> dict[str, dict]:
    """The services that run an official image."""
    return {n: s for n, s in compose["services"].items() if s["image"] == OFFICIAL}


def settings(compose: dict, name: str) -> dict[str, str]:
    """The configuration file of a service."""
    (config,) = compose["services"][name]["configs"]
    lines = compose["configs"][config["source"]]["content"].splitlines()
    return dict(line.split("=", 1) for line in lines)


def servers(compose: dict) -> list[str]:
    return [name for name, service in compose["services"].items() if "configs" in service]


def test_only_known_keys(compose: dict) -> None:
    assert set(compose) <= {"name", "services", "volumes", "configs", "x-java", "x-rmqwire"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name


def test_official_images_have_pinned_tags(compose: dict) -> None:
    images = {s["image"] for s in compose["services"].values()}
    assert images == {OFFICIAL, "rmqwire:local"}


@pytest.mark.parametrize(
    ("profile", "started"),
    [
        ("rmqwire-slave", {"namesrv", "java-master", "rmqwire-image", "rmqwire-slave"}),
        ("rmqwire-master", {"namesrv", "rmqwire-image", "rmqwire-master", "java-slave"}),
    ],
)
def test_a_profile_starts_its_own_pair_and_no_third_broker(
    compose: dict, profile: str, started: set[str]
) -> None:
    services = compose["services"].items()
    assert {n for n, s in services if profile in s.get("profiles", [profile])} == started
    brokers = [settings(compose, name) for name in started & set(servers(compose)) - {"namesrv"}]
    assert sorted(one["brokerId"] for one in brokers) == ["0", "1"]
    assert len({one["brokerName"] for one in brokers}) == 1


def test_every_named_config_and_volume_is_there(compose: dict) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
    used = {name: settings(compose, name) for name in servers(compose)}
    assert len(used) == len(compose["configs"])
    assert all("listenPort" in one for one in used.values())


def test_rmqwire_runs_as_the_release_of_the_java_servers(compose: dict) -> None:
    ours = [name for name in servers(compose) if name not in java(compose)]
    assert len(ours) == 2
    for name in ours:
        assert settings(compose, name)["rocketmqVersion"] == RELEASE


def test_every_server_binds_and_tells_others_the_loopback_address(compose: dict) -> None:
    ports: list[int] = []
    for name in servers(compose):
        found = settings(compose, name)
        port = int(found["listenPort"])
        assert found["bindAddress"] == LOOPBACK, name
        if name == "namesrv":
            ports.append(port)
            continue
        assert found["brokerIP1"] == found["brokerIP2"] == LOOPBACK, name
        assert found["namesrvAddr"] == f"{LOOPBACK}:9876"
        ports += [port + offset for offset in BROKER_PORTS]
    assert len(set(ports)) == len(ports)


def test_whoever_depends_on_a_server_waits_until_it_answers(compose: dict) -> None:
    services = compose["services"]
    for name in servers(compose):
        healthcheck = services[name]["healthcheck"]
        port = settings(compose, name)["listenPort"]
        # rmqwire's image brings its own
        assert f"/{port}" in healthcheck.get("test", ["", f"/{port}"])[-1], name
        for other, how in services[name].get("depends_on", {}).items():
            wanted = (
                "service_healthy" if other in servers(compose) else "service_completed_successfully"
            )
            assert how == {"condition": wanted}, name
        assert name == "namesrv" or services[name]["depends_on"], name


def test_java_has_a_whole_heap_of_its_own_and_is_not_waited_for(compose: dict) -> None:
    for name, service in java(compose).items():
        options = re.findall(r"-X(ms|mx|mn)(\d+)m", service["environment"]["JAVA_OPT_EXT"])
        sizes = {option: int(size) for option, size in options}
        assert sizes["mn"] < sizes["ms"] == sizes["mx"], name
        assert service["stop_grace_period"] == "1s"


def test_the_image_is_built_once_from_what_is_here_on_the_hosts_network(compose: dict) -> None:
    users = {n: s for n, s in compose["services"].items() if s["image"] == "rmqwire:local"}
    maker = users.pop("rmqwire-image")
    assert maker["pull_policy"] == "build"
    assert maker["build"]["network"] == "host"
    for name, user in users.items():
        assert "build" not in user, name
        assert user["pull_policy"] == "never", name
        assert "rmqwire-image" in user["depends_on"], name


def test_a_release_s_image_has_answered_before_it_is_pushed_for_both_architectures() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "image.yml").read_text())
    steps = workflow["jobs"]["image"]["steps"]
    (push,) = [i for i, step in enumerate(steps) if step.get("with", {}).get("push")]
    assert steps[push]["with"]["platforms"] == "linux/amd64,linux/arm64"
    tried = [step["run"] for step in steps[:push] if "run" in step]
    assert "healthy" in tried[0]
    assert "--platform linux/arm64" in tried[1]


if shutil.which("docker-compose") or docker_missing() is None:

    def test_docker_compose_accepts_it() -> None:
        program = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        command = [*program, "-f", str(COMPOSE), "--profile", "*", "config", "--quiet"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 0, answer.stderr


if docker_missing() is not None:

    def test_a_missing_engine_is_said_in_one_line() -> None:
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--cluster=docker",
            "interop/test_registration.py",
        ]  # fmt: skip
        answer = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
        )
        assert answer.returncode == 2
        said = [line for line in answer.stdout.splitlines() if "--cluster=docker:" in line]
        assert len(said) == 1, answer.stdout
