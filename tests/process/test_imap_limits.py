# SPDX-License-Identifier: Apache-2.0
"""A peer of the IMAP ports controls nothing without a limit, and costs nobody else anything.

Each attack meets a refusal that IMAP has, is counted once and logged once, and a mail program that
logged in before goes on being answered.  The attacker's pace is that of the honest client's answers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.process.clients import api_of
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program, running
from tests.process.strangers import Login, Peer, mail_program, member, stranger, told_once, trust

pytestmark = pytest.mark.process

ATTACKER = "127.0.0.66"
FOUR_GIB = 2**32
_LETTER = b"Subject: hello\r\n\r\nhello\r\n"
_BIG = 1_000_000
_GROWTH = 32 * 2**20
"""What an attack may cost in memory, whatever it sends or asks for."""


class House:
    """A program whose clocks are fast, and a mail program that is always served."""

    def __init__(self, program: Program, login: Login, honest: Peer) -> None:
        self.program = program
        self.login = login
        self.honest = honest

    async def serves_others(self) -> None:
        assert (await self.honest.say(b"NOOP", tag="h"))[-1].startswith("h OK")

    async def hears_slowly(self, peer: Peer, octets: bytes) -> None:
        """One at a time, each after the honest client was answered once more."""
        for octet in octets:
            peer.write(bytes((octet,)))
            await self.serves_others()
            if peer.at_eof:
                return

    async def until_told(self, limit: str) -> None:
        """The attack is over, told once, and others never noticed."""
        await told_once(self.program, ATTACKER, limit)
        await self.serves_others()


@asynccontextmanager
async def house(tmp_path: Path, handsets: Phones, limits: Mapping[str, object]) -> AsyncIterator[House]:
    """``limits``: of [imap.limits]."""
    settings = {"sweep_seconds": 0.02, **limits}
    lines = "".join(f"{name} = {str(value).lower()}\n" for name, value in settings.items())
    more = f"[imap.limits]\n{lines}"
    async with running(tmp_path, smsc_port=handsets.smsc.port, more=more) as program, api_of(program) as api:
        await api.add(PEOPLE[0])
        login = await mail_program(api, PEOPLE[0])
        async with member(program, login) as honest:
            yield House(program, login, honest)


# Octets that dribble in


async def test_a_slow_peer_that_ends_in_time_is_served(tmp_path: Path, handsets: Phones) -> None:
    async with house(tmp_path, handsets, {}) as at, stranger(at.program, address=ATTACKER) as slow:
        await at.hears_slowly(slow, at.login.command("a"))
        assert (await slow.until("a "))[-1].startswith("a OK")
        await at.hears_slowly(slow, b"b APPEND INBOX {%d+}\r\n%b\r\n" % (len(_LETTER), _LETTER))
        assert (await slow.until("b "))[-1].startswith("b OK")


@pytest.mark.parametrize("octets", [b"a LOGIN alice secret", b"a LOGIN {8000+}\r\nalice"])
async def test_a_login_that_dribbles_in_ends_with_the_time_for_it(
    octets: bytes, tmp_path: Path, handsets: Phones
) -> None:
    async with (
        house(tmp_path, handsets, {"login_seconds": 2.0}) as at,
        stranger(at.program, address=ATTACKER) as slow,
    ):
        await at.hears_slowly(slow, octets)
        assert await slow.last_words() == "* BYE no login in time"
        await at.until_told("login_time")


@pytest.mark.parametrize("octets", [b"a SELECT INB", b"a APPEND INBOX {100000+}\r\nSubject: slo"])
async def test_a_command_that_dribbles_in_ends_with_the_time_for_it(
    octets: bytes, tmp_path: Path, handsets: Phones
) -> None:
    async with (
        house(tmp_path, handsets, {"command_seconds": 2.0}) as at,
        member(at.program, at.login, address=ATTACKER) as slow,
    ):
        await at.hears_slowly(slow, octets)
        assert await slow.last_words() == "* BYE command took too long"
        await at.until_told("command_time")


class TlsByHand:
    """The client's side of TLS over a clear connection, so that a test can cut its records anywhere."""

    def __init__(self, program: Program) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = trust(program).wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    def client_hello(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    async def shake_hands(self, peer: Peer) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                peer.write(self._outgoing.read())
                self._incoming.write(await peer.octets())
            else:
                peer.write(self._outgoing.read())
                return

    def record(self, octets: bytes) -> bytes:
        self._tls.write(octets)
        return self._outgoing.read()

    async def to_the_end(self, peer: Peer) -> bytes:
        """All that the server still says."""
        while received := await peer.octets():
            self._incoming.write(received)
        said = b""
        try:
            while received := self._tls.read():
                said += received
        except ssl.SSLWantReadError:
            pass  # closed without close_notify
        return said


async def test_a_tls_handshake_that_dribbles_in_is_given_up(tmp_path: Path, handsets: Phones) -> None:
    async with house(tmp_path, handsets, {"tls_handshake_seconds": 2.0}) as at:
        hello = TlsByHand(at.program).client_hello()
        async with unencrypted(at.program) as slow:
            await at.hears_slowly(slow, hello[:-1])
            assert await slow.octets() == b""
        await at.until_told("handshake")


async def test_a_tls_record_that_dribbles_in_ends_with_the_time_to_log_in(
    tmp_path: Path, handsets: Phones
) -> None:
    async with house(tmp_path, handsets, {"login_seconds": 2.0}) as at, unencrypted(at.program) as slow:
        tls = TlsByHand(at.program)
        await tls.shake_hands(slow)
        await at.hears_slowly(slow, tls.record(at.login.command())[:-1])
        assert (await tls.to_the_end(slow)).endswith(b"* BYE no login in time\r\n")
        await at.until_told("login_time")


@asynccontextmanager
async def unencrypted(program: Program) -> AsyncIterator[Peer]:
    """To the port of implicit TLS, from the attacker's address."""
    peer = Peer(*await asyncio.open_connection("127.0.0.1", program.imap_tls_port, local_addr=(ATTACKER, 0)))
    try:
        yield peer
    finally:
        await peer.close()


# Answers that nobody reads


async def test_answers_that_are_not_read_fill_no_memory(tmp_path: Path, handsets: Phones) -> None:
    async with (
        house(tmp_path, handsets, {"write_seconds": 1.0}) as at,
        member(at.program, at.login, address=ATTACKER) as deaf,
    ):
        message = b"Subject: big\r\n\r\n".ljust(_BIG, b"x")
        deaf.write(b"a APPEND INBOX {%d+}\r\n%b\r\nb SELECT INBOX\r\n" % (len(message), message))
        await deaf.until("b OK")
        before = at.program.peak_memory_bytes()
        deaf.write(b"".join(b"%d FETCH 1 BODY.PEEK[]\r\n" % number for number in range(1000)))
        while not at.program.logged("connection_closed", address=ATTACKER):
            await at.serves_others()
        await at.until_told("write_time")
        assert at.program.peak_memory_bytes() - before < _GROWTH


# Literals of 4 GiB


@pytest.mark.parametrize("size", [FOUR_GIB - 1, FOUR_GIB, 10**30])
async def test_a_literal_that_is_too_big_and_asked_for_is_refused_and_the_client_goes_on(
    size: int, tmp_path: Path, handsets: Phones
) -> None:
    async with house(tmp_path, handsets, {}) as at, stranger(at.program, address=ATTACKER) as greedy:
        assert await greedy.say(b"LOGIN {%d}" % size, tag="a") == ["a NO [TOOBIG] literal too big"]
        greedy.write(at.login.command("b"))
        await greedy.until("b OK")
        for command in (b"APPEND INBOX", b"SELECT", b"SEARCH SUBJECT", b"XYZZY"):
            heard = await greedy.say(b"%b {%d}" % (command, size), tag="c")
            assert heard == ["c NO [TOOBIG] literal too big"]
        await at.serves_others()


@pytest.mark.parametrize("size", [FOUR_GIB - 1, FOUR_GIB, 10**30])
@pytest.mark.parametrize("known", [False, True])
async def test_a_literal_that_is_too_big_and_comes_unasked_costs_the_connection(
    size: int, known: bool, tmp_path: Path, handsets: Phones
) -> None:
    async with house(tmp_path, handsets, {}) as at, attacker(at, known=known) as greedy:
        greedy.write(b"b APPEND INBOX {%d+}\r\n" % size)
        assert await greedy.last_words() == "* BYE [TOOBIG] command too long"
        await at.until_told("command")


# Lines without end


@pytest.mark.parametrize(("known", "most"), [(False, 8_192), (True, 65_536)])
async def test_a_line_without_end_costs_the_connection(
    known: bool, most: int, tmp_path: Path, handsets: Phones
) -> None:
    async with house(tmp_path, handsets, {}) as at, attacker(at, known=known) as endless:
        endless.write(b"b SEARCH SUBJECT ".ljust(most, b"x"))
        assert await endless.last_words() == "* BYE line too long"
        await at.until_told("line")


@pytest.mark.parametrize(
    ("start", "limit"), [(b"b SEARCH SUBJECT ", "line"), (b"b APPEND INBOX {4294967295+}\r\n", "command")]
)
@pytest.mark.parametrize("known", [False, True])
async def test_a_peer_that_goes_on_sending_behind_a_limit_fills_no_memory(
    known: bool, start: bytes, limit: str, tmp_path: Path, handsets: Phones
) -> None:
    async with house(tmp_path, handsets, {}) as at:
        before = at.program.peak_memory_bytes()
        async with attacker(at, known=known) as flood:
            flood.write(start + b"x" * 100_000_000)
            await flood.last_words()  # they are lost where our octets met a closed socket
        await at.until_told(limit)
        assert at.program.peak_memory_bytes() - before < _GROWTH


@asynccontextmanager
async def attacker(at: House, *, known: bool) -> AsyncIterator[Peer]:
    """One that has logged in, or not."""
    async with (
        member(at.program, at.login, address=ATTACKER)
        if known
        else stranger(at.program, address=ATTACKER) as peer
    ):
        yield peer


async def test_a_line_as_long_as_allowed_is_answered(tmp_path: Path, handsets: Phones) -> None:
    async with (
        house(tmp_path, handsets, {"max_line_bytes": 65_536}) as at,
        member(at.program, at.login, address=ATTACKER) as wordy,
    ):
        await wordy.say(b"SELECT INBOX", tag="a")
        line = b"b UID SEARCH UID 1".ljust(65_536 - 2, b"1")
        wordy.write(line + b"\r\n")
        assert (await wordy.until("b "))[-1].startswith("b BAD")
        uids = b",".join(b"%d" % uid for uid in range(1, 12_000))
        assert await wordy.say(b"UID SEARCH UID " + uids, tag="c") == ["* SEARCH", "c OK searched"]


# Nesting

_DEEP = 30_000
_NESTED = (
    b"SEARCH " + b"(" * _DEEP + b"ALL" + b")" * _DEEP,
    b"UID SEARCH " + b"NOT " * 10_000 + b"ALL",
    b"SEARCH " + b"OR " * 5_000 + b"ALL " * 5_000 + b"ALL",
    b"SORT (DATE) UTF-8 " + b"(" * _DEEP,
    b"SORT " + b"(" * _DEEP,
    b"FETCH 1 " + b"(" * _DEEP + b"UID" + b")" * _DEEP,
    b"UID FETCH 1 BODY[" + b"1." * _DEEP + b"1] NIL",
    b"FETCH 1 BODY[HEADER.FIELDS " + b"(" * _DEEP,
    b"STORE 1 FLAGS " + b"(" * _DEEP,
    b'LIST "" ' + b"(" * _DEEP,
    b"LIST " + b"(" * _DEEP + b' "" *',
    b'LIST "" * RETURN ' + b"(" * _DEEP,
    b"STATUS INBOX " + b"(" * _DEEP,
    b"APPEND INBOX " + b"(" * _DEEP,
    b"ID " + b"(" * _DEEP,
    b"CREATE " + b"a/" * _DEEP + b"a",
    b"SELECT INBOX " + b"(" * _DEEP,
)

_FITS_NOTHING = (b'LIST "" ' + b"%" * _DEEP + b"x", b'LIST "" ' + b"*x" * _DEEP)
"""Patterns that are too long for a step of the process (RFC 5258 section 3)."""


async def test_what_nests_too_deep_is_refused_and_the_client_goes_on(
    tmp_path: Path, handsets: Phones
) -> None:
    async with (
        house(tmp_path, handsets, {"max_bad_commands": 100}) as at,
        member(at.program, at.login, address=ATTACKER) as deep,
    ):
        await deep.say(b"SELECT INBOX", tag="a")
        for line in _NESTED:
            assert (await deep.say(line, tag="b"))[-1].startswith(("b BAD", "b NO")), line[:32]
            assert (await deep.say(b"NOOP", tag="c"))[-1].startswith("c OK")
        for line in _FITS_NOTHING:
            assert await deep.say(line, tag="d") == ["d OK mailboxes listed"], line[:32]
        await at.serves_others()


# NUL and octets above 127

_TEMPLATES = (
    b"t CAPABILITY",
    b"t NOOP",
    b't LOGIN alice "secret"',
    b't ID ("name" "test")',
    b"t ENABLE CONDSTORE",
    b"t SELECT INBOX (CONDSTORE)",
    b't EXAMINE "INBOX"',
    b'x CREATE "A&AOk-b/c"',
    b"t SUBSCRIBE INBOX",
    b't LIST (SUBSCRIBED) "" (INBOX "*") RETURN (CHILDREN STATUS (MESSAGES))',
    b'x LSUB "" %',
    b"t STATUS INBOX (MESSAGES UIDNEXT)",
    b"t NAMESPACE",
    b'x GETQUOTA ""',
    b"t GETQUOTAROOT INBOX",
    b't UID SEARCH RETURN (MIN) CHARSET UTF-8 OR SUBJECT "x" (UID 1:* KEYWORD a)',
    b"t SORT (REVERSE DATE) UTF-8 SINCE 1-Feb-2026",
    b"t FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (DATE)]<0.10>)",
    b"t UID STORE 1 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Seen a)",
    b't UID COPY 1 "Other"',
    b"t MOVE 1 Other",
    b't APPEND INBOX (\\Seen) "01-Feb-2026 08:00:00 +0000" "x"',
    b"t UID EXPUNGE 1",
    b"t IDLE",
)


async def test_a_nul_or_an_octet_above_127_anywhere_leaves_the_client_in_step(
    tmp_path: Path, handsets: Phones
) -> None:
    async with (
        house(tmp_path, handsets, {"max_bad_commands": 100_000, "max_failed_logins": 100_000}) as at,
        member(at.program, at.login, address=ATTACKER) as odd,
    ):
        await odd.say(b"SELECT INBOX", tag="a")
        for template in _TEMPLATES:
            for place in range(len(template)):
                for octet in (b"\0", b"\x80", b"\xc3", b"\xff"):
                    line = template[:place] + octet + template[place + 1 :]
                    (answer,) = await completions(odd, line)
                    assert octet != b"\0" or not answer.startswith("t OK"), line
        await at.serves_others()


async def test_a_nul_or_octets_above_127_in_a_literal_are_taken_or_refused_in_step(
    tmp_path: Path, handsets: Phones
) -> None:
    async with (
        house(tmp_path, handsets, {"max_bad_commands": 100}) as at,
        member(at.program, at.login, address=ATTACKER) as odd,
    ):
        await odd.say(b"SELECT INBOX", tag="a")
        for command in (b"SELECT", b"CREATE", b"SEARCH SUBJECT", b"STATUS", b"APPEND INBOX"):
            (answer,) = await completions(odd, b"t %b {3+}\r\na\0b" % command)
            assert answer.startswith(("t BAD", "t NO")), command
            (answer,) = await completions(odd, b"t %b {3+}\r\n\x80\xff\xfe" % command)
            assert answer.startswith(("t BAD", "t NO", "t OK")), command
        await at.serves_others()


async def completions(peer: Peer, line: bytes) -> list[str]:
    """How a command ended, and any other that its octets might have become."""
    peer.write(line + b"\r\n")
    heard = await peer.say(b"NOOP", tag="z")
    return [each for each in heard[:-1] if each.startswith("* BAD") or not each.startswith(("* ", "+ "))]


# STARTTLS


async def test_starttls_and_then_nothing_is_given_up(tmp_path: Path, handsets: Phones) -> None:
    async with (
        house(tmp_path, handsets, {"tls_handshake_seconds": 2.0}) as at,
        stranger(at.program, tls=False, address=ATTACKER) as silent,
    ):
        await silent.say(b"STARTTLS", tag="s")
        assert await silent.octets() == b""
        await at.until_told("handshake")


async def test_what_is_sent_in_clear_behind_starttls_is_never_obeyed(
    tmp_path: Path, handsets: Phones
) -> None:
    """CVE-2011-0411 and its family: a command put behind STARTTLS by who sits between."""
    async with house(tmp_path, handsets, {"require_tls": False}) as at:
        async with stranger(at.program, tls=False, address=ATTACKER) as injected:
            injected.write(b"s STARTTLS\r\n" + at.login.command("injected"))
            assert await injected.last_words() == "* BYE octets after STARTTLS"
        await at.until_told("pipelined_tls")
        assert not [line for line in at.program.logged("connection_closed", address=ATTACKER) if line["user"]]


async def test_what_is_sent_in_clear_instead_of_a_handshake_is_never_obeyed(
    tmp_path: Path, handsets: Phones
) -> None:
    async with house(tmp_path, handsets, {"require_tls": False}) as at:
        async with stranger(at.program, tls=False, address=ATTACKER) as injected:
            await injected.say(b"STARTTLS", tag="s")
            injected.write(at.login.command("injected"))
            assert b"injected" not in await injected.octets()
        await at.program.until_logged("connection_closed", address=ATTACKER)
        (closing,) = at.program.logged("connection_closed", address=ATTACKER)
        assert (closing["user"], closing["tls"]) == (None, False)
