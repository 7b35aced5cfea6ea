"""Certificates, keys and ciphers: which are taken, what is said of others, and files that change."""

from __future__ import annotations

import logging
import ssl
import subprocess

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import ConfigError, RemotingError
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.tls import client_context, server_context
from rmqwire.settings.ciphers import OF_TLS_1_3, parse_ciphers
from rmqwire.settings.tls import ClientTls, ServerTls
from tests.remoting.tls_reloads import ask, reload_many, serve
from tests.support.certificates import PASSWORD, Certificates, encrypted

NEWEST = ",".join(sorted(OF_TLS_1_3))


# --- certificates that change


async def test_a_certificate_is_replaced_while_connections_live(nursery, tmp_path, caplog):
    caplog.set_level(logging.INFO, "rmqwire.remoting.tls")
    c = Certificates(tmp_path)
    _, addr = await serve(nursery, c.server_tls("enforcing"))
    async with RemotingClient(tls=c.client_tls()) as early:
        assert (await early.invoke(addr, RemotingCommand(1, body=b"1"))).body == b"1"
        first = await certificate_of(addr)
        for _ in range(20):
            c.renew(c.server)
            assert await ask(addr, c.client_tls()) == b"x"
            assert (await early.invoke(addr, RemotingCommand(1, body=b"2"))).body == b"2"
        assert await certificate_of(addr) != first
        assert early.addresses == [addr]
    assert caplog.text.count("certificates have changed and were read") == 20


async def certificate_of(addr):
    host, _, port = addr.rpartition(":")
    return await trio.to_thread.run_sync(ssl.get_server_certificate, (host, int(port)))


async def test_half_a_replacement_leaves_the_one_before(nursery, tmp_path, caplog):
    c = Certificates(tmp_path)
    _, addr = await serve(nursery, c.server_tls("enforcing"))
    first = await certificate_of(addr)
    key = c.server.key.read_bytes()
    c.server.key.write_bytes(b"")
    assert await certificate_of(addr) == first
    assert await certificate_of(addr) == first
    assert caplog.text.count("changed certificates can't be used, those before stay") == 1
    c.server.key.unlink()
    assert await certificate_of(addr) == first
    c.server.key.write_bytes(key)
    assert await ask(addr, c.client_tls()) == b"x"


def test_a_client_s_own_files_are_read_again_too(tmp_path):
    c = Certificates(tmp_path)
    context = client_context(c.client_tls(c.client))
    before = context.current()
    assert context.current() is before
    c.renew(c.client)
    assert context.current() is not before


async def test_many_reloads_leave_nothing_behind(nursery, tmp_path):
    await reload_many(nursery, tmp_path, 200)


# --- files


@pytest.mark.parametrize("cipher", ["PBE-SHA1-3DES", "PBE-SHA1-RC4-128", "PBE-MD5-DES", "v2"])
def test_encrypted_keys_are_read_as_java_reads_them(certificates, tmp_path, cipher):
    key = tmp_path / "key.pem"
    how = ["-v2", "aes-256-cbc"] if cipher == "v2" else ["-v1", cipher]
    command = ["openssl", "pkcs8", "-topk8", *how, "-in", certificates.server.key, "-out", key]
    command += ["-passout", f"pass:{PASSWORD}", "-provider", "default", "-provider", "legacy"]
    subprocess.run(command, check=True, capture_output=True)
    assert b"ENCRYPTED" in key.read_bytes()
    good = ServerTls(
        cert_path=str(certificates.server.cert), key_path=str(key), key_password=PASSWORD
    )
    server_context(good)
    for password, said in (("wrong", "a wrong keyPassword"), (None, "no keyPassword is set")):
        tls = ServerTls(
            cert_path=str(certificates.server.cert), key_path=str(key), key_password=password
        )
        with pytest.raises(ConfigError, match=said):
            server_context(tls)


def test_an_old_encryption_without_the_extra_says_what_to_do(certificates, tmp_path, monkeypatch):
    key = encrypted(certificates.server, tmp_path / "key.pem")
    tls = ServerTls(
        cert_path=str(certificates.server.cert), key_path=str(key), key_password="wrong"
    )
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(ConfigError, match=r"install rmqwire\[tls\], or write the key again"):
        server_context(tls)


def test_wrong_files_are_named(certificates, tmp_path):
    c = certificates
    no_pem = tmp_path / "no.pem"
    no_pem.write_bytes(b"nothing")
    good = {"cert_path": str(c.server.cert), "key_path": str(c.server.key)}
    cases = [
        ({**good, "cert_path": str(tmp_path / "none")}, "none: can't be read: "),
        ({**good, "key_path": str(c.client.key)}, "not the key of that certificate"),
        ({**good, "cert_path": str(no_pem)}, "no.pem, .*: no certificate and key in PEM"),
        ({**good, "key_path": None}, "no certificate and key in PEM"),
        ({**good, "trust_cert_path": str(no_pem)}, "no.pem: no certificates"),
        ({**good, "cert_path": str(tmp_path)}, "can't be read: "),
    ]
    for files, said in cases:
        with pytest.raises(ConfigError, match=said):
            server_context(ServerTls(**files))


def test_a_certificate_and_its_key_in_one_file(certificates, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(certificates.server.cert.read_bytes() + certificates.server.key.read_bytes())
    server_context(ServerTls(cert_path=str(both)))


def test_a_server_that_is_not_verified_is_said_once(certificates, caplog):
    client_context(certificates.client_tls(auth_server=False))
    assert caplog.text.count("no server is verified") == 1
    caplog.clear()
    client_context(certificates.client_tls())
    assert not caplog.text


def test_nothing_older_than_1_2_is_spoken(certificates):
    context = server_context(certificates.server_tls()).current()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    only = server_context(certificates.server_tls(protocols=("TLSv1.2",))).current()
    assert only.maximum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(
    ("text", "protocols", "low", "high"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256,ECDHE-ECDSA-AES128-GCM-SHA256", (), "TLSv1_2", "TLSv1_2"),
        (NEWEST, (), "TLSv1_3", "TLSv1_3"),
        (f"{NEWEST},ECDHE-RSA-AES128-GCM-SHA256", (), "TLSv1_2", "TLSv1_3"),
        (f"{NEWEST},ECDHE-RSA-AES128-GCM-SHA256", ("TLSv1.2",), "TLSv1_2", "TLSv1_2"),
    ],
)
def test_chosen_ciphers_decide_which_versions_are_spoken(certificates, text, protocols, low, high):
    tls = certificates.server_tls(ciphers=parse_ciphers(text), protocols=protocols)
    context = server_context(tls).current()
    assert context.minimum_version.name == low
    assert context.maximum_version.name == high


async def test_only_the_chosen_cipher_is_spoken(nursery, certificates):
    chosen = parse_ciphers("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    other = parse_ciphers("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    _, addr = await serve(nursery, certificates.server_tls(ciphers=chosen))
    await ask(addr, certificates.client_tls())
    await ask(addr, certificates.client_tls(ciphers=chosen))
    with pytest.raises(RemotingError, match="handshake"):
        await ask(addr, certificates.client_tls(ciphers=other))


@pytest.mark.parametrize(
    ("text", "protocols", "said"),
    [
        ("TLS_KRB5_WITH_DES_CBC_MD5", (), "TLS_KRB5_WITH_DES_CBC_MD5: OpenSSL doesn't know it"),
        ("ECDHE-RSA-AES128-GCM-SHA256", ("TLSv1.3",), r"none of a version in tls\.protocols"),
    ],
)
def test_ciphers_that_nobody_can_speak_are_refused(certificates, text, protocols, said):
    with pytest.raises(ConfigError, match=said):
        server_context(certificates.server_tls(ciphers=parse_ciphers(text), protocols=protocols))


async def test_the_system_s_authorities_are_asked_without_a_file(nursery, certificates):
    _, addr = await serve(nursery, certificates.server_tls())
    with pytest.raises(RemotingError, match="certificate verify failed"):
        await ask(addr, ClientTls(auth_server=True))
