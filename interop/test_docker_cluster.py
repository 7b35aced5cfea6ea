"""What the Docker provider and the stand-in images ask of Docker: against a recorded `docker`."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from interop import cluster
from interop.cluster import DockerCluster, MavenCluster, Unavailable, choose
from interop.docker import images
from interop.processes import free_port

DOCKER = """#!/bin/sh
echo "$@" >> {record}
case "$*" in *"image inspect"*) printf '{label}' ;; esac
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a `docker` that succeeds at everything writes what it was called with."""
    return _fake_docker(tmp_path, monkeypatch, label="")


def _fake_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, label: str) -> Path:
    record = folder / "calls"
    program = folder / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER.format(record=record, label=label))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr(cluster, "DOCKER_PORTS", (free_port(),))
    return record


def listener(monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A stranger's server on a port of the Java servers."""
    server = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(cluster, "DOCKER_PORTS", (free_port(), server.getsockname()[1]))
    return server


def test_a_strangers_server_on_our_ports_is_not_taken_for_our_cluster(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listener(monkeypatch) as server:
        port = server.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"in use already: 127\.0\.0\.1:{port}$"):
            DockerCluster("5.5.0", tmp_path)
        assert isinstance(choose("auto", "5.5.0", tmp_path), MavenCluster)
    assert isinstance(choose("auto", "5.5.0", tmp_path), DockerCluster)


def test_the_cluster_is_started_until_healthy_and_ended_with_every_profile(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "route_known", lambda addr, topic: True)
    servers = DockerCluster("4.9.7", tmp_path)
    assert servers.namesrv() == servers.namesrv() == "127.0.0.1:9876"
    servers.stop()
    calls = [line.partition("docker-compose.yml ")[2] for line in record.read_text().splitlines()]
    assert [call for call in calls if call] == [
        "up --detach --wait namesrv java-master",
        "--profile * down --volumes",
    ]


def test_a_cluster_that_was_not_needed_leaves_what_others_run(record: Path, tmp_path: Path) -> None:
    DockerCluster("5.5.0", tmp_path).stop()
    assert "down" not in record.read_text()


@pytest.mark.parametrize(("label", "built"), [("", False), ("a stand-in", True)])
def test_an_image_that_was_pulled_is_never_replaced(
    label: str, built: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _fake_docker(tmp_path, monkeypatch, label)
    images.make_python("python:3.11-slim")
    assert ("build --network host" in record.read_text()) is built


def test_the_stand_in_base_has_the_tag_that_the_dockerfile_names() -> None:
    text = (cluster.REPOSITORY / "Dockerfile").read_text()
    assert f"ARG PYTHON_IMAGE={images.python_base()}@sha256:" in text
