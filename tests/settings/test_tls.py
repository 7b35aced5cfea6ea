"""The keys of TLS: Java's names and places; what would protect nobody is refused."""

from __future__ import annotations

import pytest

from rmqwire.codec.release import V5_5_0
from rmqwire.errors import ConfigError
from rmqwire.settings.ciphers import OF_TLS_1_3, Ciphers, parse_ciphers
from rmqwire.settings.properties import parse
from rmqwire.settings.secret import REDACTED, shown
from rmqwire.settings.tls import NONE, OPTIONAL, REQUIRE, ClientTls, ServerTls, client_tls, load_tls

SERVER = "tls.server.certPath=/c\ntls.server.keyPath=/k\n"
TRUST = "tls.server.trustCertPath=/t"


def load(text):
    warnings = []
    settings = load_tls(parse(text), V5_5_0, warnings)
    return settings, warnings


def test_nothing_said_is_javas_default_without_a_certificate():
    settings, warnings = load("brokerName=a")
    assert settings.server == ServerTls(mode="permissive")
    assert not settings.server.active
    assert settings.client is None
    assert warnings == []


def test_javas_keys():
    settings, _ = load(
        SERVER
        + "tls.server.mode=enforcing\ntls.server.keyPassword=p\ntls.server.trustCertPath=/t\n"
        "tls.server.need.client.auth=require\ntls.server.authClient=true\ntls.protocols=TLSv1.3\n"
        "tls.client.certPath=/cc\ntls.client.keyPath=/ck\ntls.client.keyPassword=cp\n"
        "tls.client.trustCertPath=/ct\ntls.client.authServer=true\ntls.test.mode.enable=false\n"
        "tls.ciphers=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,AES256-SHA\n"
    )
    assert settings.server == ServerTls(
        mode="enforcing",
        cert_path="/c",
        key_path="/k",
        key_password="p",
        trust_cert_path="/t",
        need_client_auth="require",
        auth_client=True,
        protocols=("TLSv1.3",),
        ciphers=Ciphers(tls_1_3=False, older=("ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA")),
    )
    assert settings.client == ClientTls(
        cert_path="/cc",
        key_path="/ck",
        key_password="cp",
        trust_cert_path="/ct",
        auth_server=True,
        protocols=("TLSv1.3",),
        ciphers=Ciphers(tls_1_3=False, older=("ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA")),
    )


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("", False),
        (SERVER, False),
        (SERVER + "tls.server.mode=enforcing", True),
        (SERVER + "tls.server.mode=enforcing\ntls.enable=false", False),
        (SERVER + "tls.server.mode=enforcing\ntls.enable=true\nuseTLS=false", False),
        ("tls.enable=true", True),
        ("useTLS=true", True),
    ],
)
def test_a_server_speaks_tls_to_others_as_javas_does(text, speaks):
    assert (load(text)[0].client is not None) is speaks


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", NONE),
        ("tls.server.trustCertPath=/t", NONE),
        ("tls.server.authClient=true\ntls.server.trustCertPath=/t", NONE),
        ("tls.server.need.client.auth=optional\ntls.server.trustCertPath=/t", OPTIONAL),
        ("tls.server.need.client.auth=optional", NONE),
        (
            "tls.server.need.client.auth=optional\ntls.server.authClient=false\n" + TRUST,
            NONE,
        ),
        ("tls.server.need.client.auth=require\ntls.server.trustCertPath=/t", REQUIRE),
        (
            "tls.server.need.client.auth=require\ntls.server.authClient=false\n" + TRUST,
            REQUIRE,
        ),
    ],
)
def test_who_has_to_show_a_certificate(text, asked):
    server = load(SERVER + text)[0].server
    assert server.client_auth == asked
    assert ("no client is verified" in str(server)) is (asked == NONE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls.server.mode=enforcing", "tls.server.certPath and tls.server.keyPath are needed"),
        ("tls.server.mode=ENFORCING", "not one of disabled, permissive, enforcing"),
        ("tls.server.need.client.auth=must", "not one of none, optional, require"),
        ("tls.server.need.client.auth=require", "tls.server.trustCertPath is needed"),
        (
            "tls.server.need.client.auth=optional\ntls.server.authClient=true",
            "tls.server.trustCertPath is needed",
        ),
        ("tls.server.authClient=yes", "not true or false"),
        ("tls.test.mode.enable=true", "refused: Java makes a certificate up"),
        ("tls.protocols=TLSv1", "not one of TLSv1.2"),
        ("tls.config.file=/no/such", "/no/such: can't be read"),
        ("tls.server.certPath=~/c", "isn't replaced"),
    ],
)
def test_what_would_protect_nobody_is_refused(text, said):
    with pytest.raises(ConfigError, match=said.replace(".", r"\.").replace("~", ".")):
        load(text)


def test_the_file_of_its_own_wins_but_for_the_mode(tmp_path):
    path = tmp_path / "tls.properties"
    path.write_text(
        "tls.server.mode=disabled\ntls.server.certPath=/of/file\ntls.server.keyPassword=p\n"
        "tls.enable=false\ntls.test.mode.enable=false\nother=1\ntls.config.file=/loop\n"
    )
    settings, warnings = load(
        f"tls.config.file={path}\n{SERVER}tls.server.mode=enforcing\ntls.enable=true"
    )
    assert settings.server.cert_path == "/of/file"
    assert settings.server.key_path == "/k"
    assert settings.server.mode == "enforcing"
    assert settings.client is not None
    assert warnings == ["unknown keys, ignored: other"]


def test_the_mode_in_that_file_counts_where_nothing_else_says_it(tmp_path):
    path = tmp_path / "tls.properties"
    path.write_text("tls.server.mode=enforcing\n" + SERVER)
    assert load(f"tls.config.file={path}")[0].server.mode == "enforcing"
    path.write_text("tls.ciphers=TLS_AES_128_GCM_SHA256")
    with pytest.raises(ConfigError, match="all can be offered or none"):
        load(f"tls.config.file={path}")


def test_a_client_asks_the_environment():
    trust = {"RMQWIRE_TLS_CLIENT_TRUST_CERT_PATH": "/t", "RMQWIRE_TLS_SERVER_MODE": "enforcing"}
    assert client_tls(trust, V5_5_0) is None
    assert client_tls({"RMQWIRE_TLS_ENABLE": "false"}, V5_5_0) is None
    assert client_tls(trust, V5_5_0, use=False) is None
    assert client_tls(trust, V5_5_0, use=True) == ClientTls(trust_cert_path="/t")
    found = client_tls({**trust, "RMQWIRE_TLS_ENABLE": "true"}, V5_5_0)
    assert found == ClientTls(trust_cert_path="/t")
    assert found.verifies


@pytest.mark.parametrize(
    ("tls", "verifies"),
    [
        (ClientTls(), False),
        (ClientTls(auth_server=True), True),
        (ClientTls(trust_cert_path="/t"), True),
        (ClientTls(trust_cert_path="/t", auth_server=False), False),
    ],
)
def test_whether_the_server_is_verified(tls, verifies):
    assert tls.verifies is verifies


def test_a_password_is_shown_to_nobody():
    settings, _ = load(SERVER + "tls.server.keyPassword=canary\ntls.enable=true")
    assert "canary" not in repr(settings)
    assert shown("tls.server.keyPassword", "canary") == REDACTED
    assert shown("tls.server.keyPath", "/k") == "/k"


@pytest.mark.parametrize(
    ("java", "openssl"),
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"),
        ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256"),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
        ("TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLS_KRB5_WITH_DES_CBC_MD5", "TLS_KRB5_WITH_DES_CBC_MD5"),
    ],
)
def test_ciphers_have_java_s_names_or_openssl_s(java, openssl):
    assert parse_ciphers(f" {java} ,") == Ciphers(tls_1_3=False, older=(openssl,))


def test_the_ciphers_of_tls_1_3_come_together():
    assert parse_ciphers(" , ") is None
    newest = ",".join(sorted(OF_TLS_1_3))
    assert parse_ciphers(newest) == Ciphers(tls_1_3=True, older=())
    assert parse_ciphers(f"{newest},AES128-SHA") == Ciphers(tls_1_3=True, older=("AES128-SHA",))
    with pytest.raises(ConfigError, match="add TLS_AES_256_GCM_SHA384, or leave them out"):
        parse_ciphers("TLS_AES_128_GCM_SHA256,TLS_CHACHA20_POLY1305_SHA256,AES128-SHA")
