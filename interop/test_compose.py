"""docker-compose.yml: the keys it uses, its images, and the word of a missing engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from interop.cluster import REPOSITORY, docker_missing

COMPOSE = REPOSITORY / "docker-compose.yml"
SERVICE_KEYS = {
    "image", "build", "command", "configs", "depends_on", "environment", "healthcheck",
    "network_mode", "profiles", "restart", "stop_grace_period", "volumes",
}  # fmt: skip


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text())


def test_only_known_keys(compose: dict) -> None:
    assert set(compose) <= {"name", "services", "volumes", "configs"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name


def test_official_images_have_pinned_tags(compose: dict) -> None:
    images = {s["image"] for s in compose["services"].values()}
    official = {image for image in images if image.startswith("apache/rocketmq:")}
    assert official == {"apache/rocketmq:${ROCKETMQ_VERSION:-5.5.0}"}
    assert images - official == {"rmqwire:local"}


def test_java_and_rmqwire_on_either_side(compose: dict) -> None:
    pairs = {("java-master", "rmqwire-slave"), ("rmqwire-master", "java-slave")}
    for master, slave in pairs:
        assert {master, slave} <= set(compose["services"])
        assert slave.split("-")[0] != master.split("-")[0]


def test_every_named_config_and_volume_is_there(compose: dict) -> None:
    for service in compose["services"].values():
        for config in service.get("configs", []):
            assert config["source"] in compose["configs"]
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
    for config in compose["configs"].values():
        assert re.search(r"^(listenPort|brokerName)=", config["content"], re.MULTILINE)


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
