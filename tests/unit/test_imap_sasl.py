# SPDX-License-Identifier: Apache-2.0
"""SASL conversations, each played by a client of its own from the mechanism's specification.

The first of each mechanism are the examples that the RFCs print; the handsets' spellings of
DIGEST-MD5 are those of spec/omtp-vvm.md 9.4 (rows AUTH-05 to AUTH-07).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imap_server.auth import digest_md5, scram
from imap_server.auth.conversation import Conversation, Mechanism
from imap_server.auth.digest_md5 import directives
from imap_server.auth.mechanisms import MECHANISMS, offered
from imap_server.auth.plain import plain
from imap_server.backend import Account, Denied, Peer
from imap_server.errors import Bad, No
from tests.dialogues.memory_backend import Entry, MemoryBackend, StrictAccount

USER, PASSWORD, REALM = "15551230001@vvm.example.net", "s3cret", "vvm.example.net"
PEER = Peer("192.0.2.1", tls=True, connection_id=1)
Answer = Callable[[bytes], bytes]


class KnowingBackend(MemoryBackend):
    """A backend that can tell passwords, and whose user ``master`` acts for everybody."""

    def __init__(self) -> None:
        super().__init__()
        self.add(USER, PASSWORD)

    def add(self, user: str, password: str) -> None:
        self.entries[user] = Entry(StrictAccount(user, self.power), password)

    async def password(self, user: str, peer: Peer) -> str:
        if user not in self.entries:
            raise Denied("unknown user")
        return self.entries[user].password

    async def proven(self, user: str, peer: Peer) -> Account:
        return self.entries[user].account

    async def login_as(self, identity: str, user: str, password: str, peer: Peer) -> Account:
        if (user, password) != ("master", "key"):
            raise Denied("invalid password")
        return self.entries[identity].account


async def converse(mechanism: Mechanism, *answers: Answer, initial: bytes | None = None) -> str:
    """Who got in, once every answer was asked for."""
    waiting = list(answers)

    async def ask(challenge: bytes) -> bytes:
        return waiting.pop(0)(challenge)

    talk = Conversation(ask, initial, backend=KnowingBackend(), peer=PEER, realm=REALM)
    account = await mechanism(talk)
    assert not waiting
    assert talk.user
    return account.user


def nothing(challenge: bytes) -> bytes:
    return b""


# SCRAM-SHA-256


class ScramClient:
    """The client's side of RFC 5802 section 3, written apart from ours."""

    def __init__(
        self, password: str = PASSWORD, *, user: bytes = USER.encode(), header: bytes = b"n,,"
    ) -> None:
        self.header = header
        self.password = password
        self.bare = b"n=%b,r=%b" % (user, secrets.token_hex(8).encode())
        self.server_signature = b""

    def first(self, challenge: bytes) -> bytes:
        assert challenge == b""
        return self.header + self.bare

    def final(self, challenge: bytes) -> bytes:
        fields = dict(pair.split(b"=", 1) for pair in challenge.split(b","))
        assert fields[b"r"].startswith(self.bare.rpartition(b"r=")[2])
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), b64decode(fields[b"s"]), int(fields[b"i"])
        )
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        unproven = b"c=%b,r=%b" % (b64encode(self.header), fields[b"r"])
        message = self.bare + b"," + challenge + b"," + unproven
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = int.from_bytes(client_key) ^ int.from_bytes(signature)
        self.server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        return unproven + b",p=" + b64encode(proof.to_bytes(32))

    def verify(self, challenge: bytes) -> bytes:
        assert challenge == b"v=" + b64encode(self.server_signature)
        return b""


async def test_the_scram_example_of_rfc_7677_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda _: b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")

    def final(challenge: bytes) -> bytes:
        assert challenge == (
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        )
        return (
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        )

    def verify(challenge: bytes) -> bytes:
        assert challenge == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        return b""

    backend = KnowingBackend()
    backend.add("user", "pencil")
    answers = [final, verify]

    async def ask(challenge: bytes) -> bytes:
        return answers.pop(0)(challenge)

    talk = Conversation(ask, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", backend=backend, peer=PEER, realm=REALM)
    assert (await scram.scram_sha_256(talk)).user == "user"


@pytest.mark.parametrize("header", [b"n,,", b"y,,", b"n,a=" + USER.encode() + b","])
async def test_scram_lets_in_who_proves_the_password(header: bytes) -> None:
    client = ScramClient(header=header)
    assert await converse(scram.scram_sha_256, client.first, client.final, client.verify) == USER


async def test_scram_refuses_a_wrong_password() -> None:
    client = ScramClient("wrong")
    with pytest.raises(Denied, match="invalid password"):
        await converse(scram.scram_sha_256, client.first, client.final, nothing)


async def test_scram_refuses_to_bind_a_channel_and_to_act_for_others() -> None:
    for header in (b"p=tls-unique,,", b"n,a=somebody,"):
        with pytest.raises(No):
            await converse(scram.scram_sha_256, ScramClient(header=header).first)


async def test_scram_refuses_a_proof_for_another_header() -> None:
    """A man in the middle who took the client's support for channel binding away is found out."""
    client = ScramClient(header=b"y,,")

    def downgraded(challenge: bytes) -> bytes:
        return b"n,," + client.bare

    with pytest.raises(Bad):
        await converse(scram.scram_sha_256, downgraded, client.final, nothing)


# DIGEST-MD5


def digest_client(
    password: str = PASSWORD, *, shape: str, host: str = REALM
) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    """The response as a handset writes it, and its check of ``rspauth``."""
    said: dict[str, str] = {}

    def final_hash(prefix: str) -> str:
        def md5(text: bytes) -> bytes:
            return hashlib.md5(text).digest()

        realm = REALM if "{realm}" in shape else ""
        who = md5(f"{USER}:{realm}:{password}".encode())
        first = md5(who + f":{said['nonce']}:{said['cnonce']}".encode()).hex()
        second = md5(f"{prefix}:imap/{host}".encode()).hex()
        return md5(f"{first}:{said['nonce']}:00000001:{said['cnonce']}:auth:{second}".encode()).hex()

    def respond(challenge: bytes) -> bytes:
        assert b", " not in challenge
        fields = directives(challenge)
        assert fields[b"qop"] == b"auth"
        assert fields[b"algorithm"] == b"md5-sess"
        assert 0 < len(fields[b"nonce"]) < 64
        said.update(nonce=fields[b"nonce"].decode(), cnonce="0a4f113b")
        return shape.format(
            user=USER, realm=REALM, host=host, response=final_hash("AUTHENTICATE"), **said
        ).encode()

    def check(challenge: bytes) -> bytes:
        assert challenge == b"rspauth=" + final_hash("").encode()
        return b""

    return respond, check


ANDROID = (
    'CHARSET=utf-8,username="{user}",realm="{realm}",nonce="{nonce}",nc=00000001,cnonce="{cnonce}",'
    'digest-uri="imap/{host}",response={response},qop=auth'
)
LIBCURL = (
    'username="{user}",realm="{realm}",nonce="{nonce}",cnonce="{cnonce}",nc="00000001",'
    'digest-uri="imap/{host}",response={response},qop=auth'
)
ORANGE = (
    'username="{user}",nonce="{nonce}",cnonce="{cnonce}",nc=00000001,qop=auth,'
    'digest-uri="imap/{host}",response={response}'
)


# rows: AUTH-05 AUTH-06 AUTH-07
@pytest.mark.parametrize("shape", [ANDROID, LIBCURL, ORANGE])
@pytest.mark.parametrize("host", [REALM, "10.0.0.1"])
async def test_digest_md5_lets_each_handset_in(shape: str, host: str) -> None:
    respond, check = digest_client(shape=shape, host=host)
    assert await converse(digest_md5.digest_md5, respond, check) == USER


async def test_digest_md5_refuses_a_wrong_password() -> None:
    respond, check = digest_client("wrong", shape=ANDROID)
    with pytest.raises(Denied, match="invalid password"):
        await converse(digest_md5.digest_md5, respond, check)


@pytest.mark.parametrize(
    "instead",
    [
        ("nc=00000001", "nc=00000002"),
        ('nonce="{nonce}"', 'nonce="{nonce}0"'),
        ("qop=auth", "qop=auth-conf"),
        ('realm="{realm}"', 'realm="elsewhere"'),
        ('cnonce="{cnonce}",', ""),
        ("imap/{host}", "smtp/{host}"),
        ("qop=auth", "qop=auth,qop=auth"),
    ],
)
async def test_digest_md5_refuses_what_does_not_fit_the_challenge(instead: tuple[str, str]) -> None:
    respond, check = digest_client(shape=ANDROID.replace(*instead))
    with pytest.raises(Bad):
        await converse(digest_md5.digest_md5, respond, check)


@given(st.binary(max_size=80))
def test_directives_are_read_or_refused(message: bytes) -> None:
    try:
        found = directives(message)
    except Bad:
        return
    assert all(name == name.lower() for name in found)


# CRAM-MD5, PLAIN, and what is offered


def cram(password: str) -> Answer:
    def answer(challenge: bytes) -> bytes:
        assert challenge.endswith(f"@{REALM}>".encode())
        return USER.encode() + b" " + hmac.new(password.encode(), challenge, "md5").hexdigest().encode()

    return answer


async def test_cram_md5_lets_in_who_knows_the_password_and_nobody_else() -> None:
    assert await converse(MECHANISMS["CRAM-MD5"], cram(PASSWORD)) == USER
    with pytest.raises(Denied, match="invalid password"):
        await converse(MECHANISMS["CRAM-MD5"], cram("wrong"))


async def test_a_master_opens_the_mailbox_that_it_names() -> None:
    assert await converse(plain, initial=f"{USER}\0master\0key".encode()) == USER
    with pytest.raises(Denied):
        await converse(plain, initial=f"{USER}\0master\0wrong".encode())


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "DIGEST-MD5", "CRAM-MD5"])
async def test_an_unknown_user_hears_so_from_every_mechanism(mechanism: str) -> None:
    answers: dict[str, Callable[[bytes], bytes]] = {
        "SCRAM-SHA-256": ScramClient(user=b"nobody").first,
        "DIGEST-MD5": digest_client(shape=ANDROID.replace("{user}", "nobody"))[0],
        "CRAM-MD5": lambda _: b"nobody 00",
    }
    with pytest.raises(Denied, match="unknown user"):
        await converse(MECHANISMS[mechanism], answers[mechanism])  # type: ignore[index]  # the names are literals


def test_a_backend_that_keeps_no_passwords_offers_no_proofs() -> None:
    assert list(offered(["PLAIN", "SCRAM-SHA-256"], MemoryBackend())) == [b"PLAIN"]
    assert list(offered(["SCRAM-SHA-256", "PLAIN"], KnowingBackend())) == [b"SCRAM-SHA-256", b"PLAIN"]


@pytest.mark.parametrize("mechanism", ["DIGEST-MD5", "CRAM-MD5"])
async def test_a_response_in_the_command_is_refused_where_the_server_speaks_first(mechanism: str) -> None:
    for initial in (b"", b"nobody 00"):
        with pytest.raises(Bad, match="begins with a challenge"):
            await converse(MECHANISMS[mechanism], initial=initial)  # type: ignore[index]  # as above


@given(st.binary(max_size=60), st.sampled_from(sorted(MECHANISMS)), st.booleans())
async def test_whatever_a_client_says_has_one_of_four_outcomes(said: bytes, name: str, at_once: bool) -> None:
    try:
        await converse(
            MECHANISMS[name],  # type: ignore[index]  # as above
            *[lambda _: said] * 3,
            initial=said if at_once else None,
        )
    except (Bad, No, Denied, IndexError, AssertionError):
        return
    raise AssertionError("noise got in")
