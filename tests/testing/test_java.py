"""Starting Java's servers for the plugin, with programs on the PATH that behave as Java and Maven do."""

import os
import sys
from pathlib import Path

import pytest

from rmqwire.errors import UsageError
from rmqwire.testing.java import jar_folder, java_server

JAVA = """#!{python}
import sys, time, pathlib
conf = pathlib.Path(sys.argv[-1])
assert sys.argv[-2] == "-c" and conf.exists()
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n" + conf.read_text())
print("starting", flush=True)
if "Broker" in sys.argv[-3] and {broken}:
    sys.exit("no room on this machine")
print("The server boot success", flush=True)
time.sleep(60)
"""
MAVEN = """#!{python}
import sys, pathlib
if {broken}:
    sys.exit(print("no such artifact") or 1)
(folder,) = [w.partition("=")[2] for w in sys.argv if w.startswith("-DoutputDirectory=")]
pathlib.Path(folder).mkdir()
pathlib.Path(folder, "rocketmq.jar").touch()
with open({log!r}, "a") as log:
    log.write("mvn\\n")
"""


class Machine:
    """A folder with the programs."""

    def __init__(self, home):
        self.bin = home / "bin"
        self.bin.mkdir()
        self.log = home / "log"
        self.install()

    def install(self, **broken):
        for name, text in (("java", JAVA), ("mvn", MAVEN)):
            values = {"python": sys.executable, "log": str(self.log), "broken": name in broken}
            (self.bin / name).write_text(text.format(**values))
            (self.bin / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


def refusal(release):
    """Return why a release isn't started."""
    with pytest.raises(UsageError) as caught, java_server(release):
        pass
    return str(caught.value)


def test_a_name_server_and_a_broker_of_it_run_until_the_block_is_left(machine):
    with java_server("5.5.0") as addr:
        text = machine.log.read_text()
        assert "NamesrvStartup" in text
        assert "BrokerStartup" in text
        assert f"namesrvAddr={addr}" in text
        homes = [word for word in text.split() if word.startswith("storePathRootDir=")]
    assert not Path(homes[0].partition("=")[2]).parent.exists()


def test_jars_are_downloaded_once(machine):
    assert jar_folder("5.5.0") == jar_folder("5.5.0")
    assert machine.log.read_text() == "mvn\n"
    assert [path.name for path in jar_folder("5.5.0").iterdir()] == ["rocketmq.jar"]


def test_what_does_not_start_says_why(machine):
    machine.install(java="broken")
    said = refusal("5.5.0")
    assert "BrokerStartup doesn't start: starting" in said
    assert "no room on this machine" in said


def test_a_release_that_is_none_and_one_that_maven_does_not_know(machine):
    machine.install(mvn="broken")
    assert "no release of RocketMQ, such as 5.5.0" in refusal("newest")
    assert "can't get RocketMQ 9.9.9: no such artifact" in refusal("9.9.9")


def test_without_java_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert "not installed: java, mvn" in refusal("5.5.0")
