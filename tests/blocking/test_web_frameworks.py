"""The programs of the page about gunicorn, Celery and Django, each in a process of its own."""

import os
import re
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from rmqwire.testing import cluster

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "web-frameworks.md"
PROGRAMS = {  # file name -> text: the first line of each names its file
    re.match(r"# ([\w/]+\.py)", text)[1]: text
    for text in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
}
LIMIT_S = 50

CALL_A_TASK = """
from celery.contrib.testing.worker import start_worker
from tasks import app, bill, end

app.conf.update(result_backend="cache+memory://", worker_hijack_root_logger=False)
with start_worker(app, pool="solo", perform_ping_check=False):
    print(bill.delay("7").get(timeout=40))
end()
"""

SETTINGS = """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
"""

URLS = """
from django.urls import path
from shop.views import order

urlpatterns = [path("order/<int:number>", order)]
"""

ORDER = """
import django
from django.test import Client

django.setup()
for number in (7, 8):
    answer = Client().get(f"/order/{number}")
    print(answer.status_code, answer.content.decode())

from shop.rocketmq import opened
opened.close()
"""


@pytest.fixture
def site(tmp_path):
    """The programs of the page in a folder, as one writes them there, with what they don't show."""
    more = {
        "call_a_task.py": CALL_A_TASK, "order.py": ORDER, "shop/settings.py": SETTINGS,
        "shop/urls.py": URLS, "shop/__init__.py": "", "shop/management/__init__.py": "",
        "shop/management/commands/__init__.py": "",
    }  # fmt: skip
    for name, text in (PROGRAMS | more).items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


@contextmanager
def started(site, namesrv, *words):
    """Run Python in the folder; its output can be read."""
    env = os.environ | {
        "NAMESRV_ADDR": namesrv, "CELERY_BROKER": "memory://",
        "DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    command = [sys.executable, *words]
    with subprocess.Popen(
        command, cwd=site, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(site, namesrv, *words):
    """Return what a program prints; it must end well."""
    with started(site, namesrv, *words) as process:
        out, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, out
        return out


def sent(rmq, topic):
    """Return the bodies of a topic's messages by their ids."""
    return {message.msg_id: message.body for message in rmq.messages(topic)}


def test_each_program_of_the_page_names_its_file():
    assert sorted(PROGRAMS) == [
        "shop/management/commands/consume_orders.py", "shop/rocketmq.py", "shop/views.py",
        "tasks.py", "visits.py",
    ]  # fmt: skip


def get(address, path):
    """Return the body of an answer that comes over a Unix socket."""
    with closing(HTTPConnection("localhost")) as connection, socket(AF_UNIX) as connection.sock:
        connection.sock.settimeout(LIMIT_S)
        connection.sock.connect(str(address))
        connection.request("GET", path)
        with connection.getresponse() as answer:
            return answer.read().decode()


def test_forked_workers_of_gunicorn_send_with_the_producer_that_was_preloaded(site):
    pytest.importorskip("gunicorn")
    options = ["--workers=2", "--threads=4", "--preload", "--bind=unix:web.sock"]
    with cluster() as rmq:
        rmq.create_topic("Visits")
        with started(site, rmq.namesrv_addr, "-m", "gunicorn", *options, "visits:app") as gunicorn:
            for line in gunicorn.stdout:
                if "Booting worker" in line:
                    break
            answers = [get(site / "web.sock", f"/tea{number}") for number in range(6)]
            gunicorn.send_signal(signal.SIGTERM)
            out, _ = gunicorn.communicate(timeout=LIMIT_S)
        assert gunicorn.returncode == 0, out
        assert [sent(rmq, "Visits")[msg_id] for msg_id in answers] == [
            b"/tea%d" % number for number in range(6)
        ]


def test_a_task_of_celery_sends_with_the_producer_that_its_worker_opened(site):
    pytest.importorskip("celery")
    with cluster() as rmq:
        rmq.create_topic("Bills")
        out = run(site, rmq.namesrv_addr, "call_a_task.py")
        assert sent(rmq, "Bills") == {out.split()[-1]: b"7"}


def test_a_view_of_django_sends_what_was_committed_and_the_command_consumes_it(site):
    pytest.importorskip("django")
    with cluster() as rmq:
        rmq.create_topic("Orders")
        out = run(site, rmq.namesrv_addr, "order.py")
        assert out.splitlines() == ["200 ordered", "200 ordered"]
        assert sorted(sent(rmq, "Orders").values()) == [b"7", b"8"]
        command = ["-m", "django", "consume_orders"]
        with started(site, rmq.namesrv_addr, *command) as consumer:
            lines = {consumer.stdout.readline().strip() for _ in range(2)}
            assert lines == {"order 7", "order 8"}
            consumer.send_signal(signal.SIGTERM)
            out, _ = consumer.communicate(timeout=LIMIT_S)
        assert (consumer.returncode, out) == (0, "")
        assert rmq.lag("billing", "Orders") == 0
