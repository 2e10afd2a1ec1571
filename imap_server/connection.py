# SPDX-License-Identifier: Apache-2.0
"""One TCP connection: octets in, frames to the dispatcher, answers out, and every clock and limit.

It is written on asyncio's transport and protocol, not on streams: answers are joined and written
once when the client is next waited for, commands run one after the other in the connection's only
task, and deadlines are plain numbers that the server sweeps, so that a command sets no timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import msgspec
import structlog

from imap_server.backend import Peer
from imap_server.capabilities import capabilities
from imap_server.dispatch import execute, is_foreign, refuse_too_big
from imap_server.errors import PeerGone
from imap_server.metrics import Limit
from imap_server.session import Session, State
from imap_server.shared import Shared
from imap_server.wire.deflate import BrokenStream, Deflate
from imap_server.wire.framer import Continue, Event, Frame, Framer, Refused, TooBig

log = structlog.get_logger(__name__)

_NEVER = float("inf")


class House(Protocol):
    """The server as a connection sees it."""

    def opened(self, connection: Connection) -> None:
        """Run a connection, whose peer was counted when it was accepted."""
        ...

    def closed(self, connection: Connection) -> None:
        """A connection that ran is over."""
        ...


class Connection(asyncio.BufferedProtocol):
    """The asyncio protocol of one client, and the ``Link`` of its session."""

    def __init__(
        self, shared: Shared, house: House, *, number: int, address: str, implicit_tls: bool
    ) -> None:
        """``address`` is the client's, whoever brought its connection."""
        self.address = address
        self.opened = False
        """The transport is there, after the handshake where TLS comes first; the house runs it."""
        self._shared = shared
        self._settings = shared.settings
        self._house = house
        self._number = number
        self._implicit_tls = implicit_tls
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(
            max_line=self._settings.max_line_bytes_before_login,
            max_command=self._settings.max_command_bytes_before_login,
        )
        self._deflate: Deflate | None = None
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._woken = False
        self._reading = True
        self._began = self._heard = self._slice_began = self._loop.time()
        self._deadline = self._began + self._settings.login_seconds
        self._deadline_is = Limit.LOGIN_TIME
        self._rest_ends = _NEVER
        self._over = False
        self._draining = False
        self._shaking = False
        self._lingering = False
        self._lost = False
        self._done = False

    # What asyncio tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session, and its task."""
        self.opened = True
        self._adopt(cast("asyncio.Transport", transport))  # connect_accepted_socket makes no other
        self._session = Session(
            backend=self._shared.backend,
            settings=self._settings,
            metrics=self._shared.metrics,
            capabilities=self._shared.capabilities,
            tls_available=self._shared.tls is not None,
            peer=Peer(
                self.address,
                tls=self._implicit_tls,
                connection_id=self._number,
                end_point=self._shared.end_point() if self._implicit_tls else None,
            ),
            link=self,
        )
        self._house.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next octets go; ``buffer_updated`` follows before anybody else is asked."""
        del sizehint
        return self._shared.received

    def buffer_updated(self, nbytes: int) -> None:
        """Take octets; a peer that sends faster than its commands run has to wait."""
        if self._over:
            return
        data = bytes(self._shared.received[:nbytes])
        self._heard = self._loop.time()
        if self._deflate is None:
            self._framer.feed(data)
        else:
            self._deflate.feed(data)
        if self._news is not None:
            self._settle(self._news)
        elif self._reading and self._ahead > self._settings.max_read_ahead_bytes:
            self._reading = False
            self._open().pause_reading()

    @property
    def _ahead(self) -> int:
        """Octets that came before they were asked for."""
        return self._framer.pending + (0 if self._deflate is None else self._deflate.waiting)

    def pause_writing(self) -> None:
        """The peer does not take what we write."""
        if self._room is None:
            self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """The peer has room again."""
        room, self._room = self._room, None
        self._settle(room)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for the peer learns that it is gone; a command that runs is not cut short."""
        del exc
        self._transport = None
        self._settle(self._news)
        self.resume_writing()
        self._lost = True
        self._leave()

    # What the server tells us

    def start(self, spawn: Callable[[Connection], asyncio.Task[None]]) -> None:
        """Run in a task of the server's making."""
        self._task = spawn(self)
        self._task.add_done_callback(self._finished)

    def sweep(self, now: float) -> None:
        """End the connection when its deadline has passed; cut it when even its end takes too long."""
        if now >= self._rest_ends:
            self._settle(self._news)
        if now < self._deadline:
            return
        if not self._over:
            self.end(self._deadline_is)
        elif self._lingering:
            self._part()
        else:
            self.abort()

    def drain(self) -> None:
        """End when the command that runs is answered; at once when none runs, TLS begins or BYE was said."""
        self._draining = True
        if self._shaking or self._lingering:
            self.abort()
        elif self._news is not None:
            self.end(Limit.SHUTDOWN)

    def end(self, cause: Limit) -> None:
        """Say BYE between two answers and close, whatever the connection waits for."""
        if self._over:
            return
        self._session.out.clear()
        self._session.end(cause)
        self._close()
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._cut()
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """The whole life of the connection; returns when it is over and never raises for one peer."""
        try:
            self._greet()
            await self._converse()
        except PeerGone:
            pass
        except asyncio.CancelledError:
            if not self._over:  # neither end() nor abort(): the server itself is cancelled
                self._cut()
                raise
        except Exception:  # a bug met by one connection must not end the others
            log.exception("connection_failed", connection=self._number, user=self._session.user)
            self._session.out.clear()
            self._session.end("application error")
        finally:
            self._close()
            self._account_for()

    # The conversation

    def _greet(self) -> None:
        session = self._session
        session.untagged(b"OK [CAPABILITY " + capabilities(session) + b"] ready")

    async def _converse(self) -> None:
        session = self._session
        while not session.ended:
            match await self._next():
                case Frame() as frame:
                    self._set_deadline(Limit.COMMAND_TIME, self._settings.command_seconds)
                    await execute(session, self._shared.commands, frame)
                case TooBig() as frame:
                    refuse_too_big(session, frame)
                case Refused(limit):
                    session.end(Limit.LINE if limit == "line" else Limit.COMMAND)
                case Continue():
                    session.continuation(b"go ahead")
            await session.relieve()
            if self._draining and not session.ended:
                session.end(Limit.SHUTDOWN)

    async def _next(self) -> Event:
        """The next event of the framer; first writes what the last commands answered."""
        began: float | None = None
        while (event := self._framer.event()) is None:
            if self._deflate is not None and self._inflate():
                continue
            await self.flush()
            if self._session.state is State.NOT_AUTHENTICATED:
                self._refuse_foreign()
            if self._framer.pending and began is None:
                began = self._loop.time()
            self._wait_deadline(began)
            await self._hear()
        return event

    def _inflate(self) -> bool:
        """Give the framer more of what waits compressed; false when nothing does."""
        if self._deflate is None:
            return False
        try:
            inflated = self._deflate.take()
        except BrokenStream:
            self._session.end(Limit.COMPRESSION)
            raise PeerGone from None
        self._framer.feed(inflated)
        return bool(inflated)

    def _refuse_foreign(self) -> None:
        """Do not wait for the end of a line that is none, such as a TLS record on the clear port."""
        if self._framer.pending and is_foreign(self._framer.peek(1)):
            self._session.end(Limit.FOREIGN_PROTOCOL)
            raise PeerGone

    def _wait_deadline(self, began: float | None) -> None:
        """Which clock runs while the peer is waited for; ``began``: when a command's first octets came."""
        if self._session.state is State.NOT_AUTHENTICATED:
            self._deadline = self._began + self._settings.login_seconds
            self._deadline_is = Limit.LOGIN_TIME
        elif began is not None:
            self._deadline = began + self._settings.command_seconds
            self._deadline_is = Limit.COMMAND_TIME
        else:
            self._deadline = self._heard + self._settings.idle_seconds
            self._deadline_is = Limit.IDLE_TIME

    def _set_deadline(self, limit: Limit, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        self._deadline_is = limit

    async def _hear(self) -> None:
        """Wait until octets came, ``wake`` was called, or the peer is gone (PeerGone)."""
        if not self._reading:
            self._reading = True
            self._open().resume_reading()
        if self._draining:
            self._session.end(Limit.SHUTDOWN)
            raise PeerGone
        self._news = self._loop.create_future()
        try:
            await self._news
        finally:
            self._news = None
        self._slice_began = self._loop.time()
        self._open()

    # imap_server.session.Link

    async def flush(self) -> None:
        """Write everything at once; wait only when the peer is behind by more than the buffer."""
        self._open()
        self._write()
        if self._room is not None:
            self._set_deadline(Limit.WRITE_TIME, self._settings.write_seconds)
            await self._room
            self._open()
            self._set_deadline(Limit.COMMAND_TIME, self._settings.command_seconds)

    async def ask(self) -> bytes:
        """A line within a command; a literal there ends the connection."""
        match await self._next():
            case Frame(parts) if len(parts) == 1:
                return parts[0].rstrip(b"\r\n")
            case _:
                self._session.end(Limit.LINE)
                raise PeerGone

    async def rest(self, seconds: float) -> bytes | None:
        """As ``ask``, but comes back empty-handed after ``wake`` or the time given."""
        await self.flush()
        self._wait_deadline(None)
        if not self._framer.pending and not self._inflate() and not self._woken:
            self._rest_ends = self._loop.time() + seconds
            try:
                await self._hear()
            finally:
                self._rest_ends = _NEVER
        self._woken = False
        return await self.ask() if self._framer.pending or self._inflate() else None

    def wake(self) -> None:
        """See ``Link.wake``; may be called at any time, also after the end."""
        self._woken = True
        self._settle(self._news)

    async def breathe(self) -> None:
        """See ``Link.breathe``; a store that answers inline never lets the loop go by itself."""
        if self._loop.time() - self._slice_began >= self._settings.slice_seconds:
            await asyncio.sleep(0)
            self._slice_began = self._loop.time()

    async def pause(self, seconds: float) -> None:
        """See ``Link.pause``."""
        await asyncio.sleep(seconds)

    def logged_in(self, *, appends: bool) -> None:
        """See ``Link.logged_in``."""
        settings = self._settings
        self._framer.allow(
            max_line=settings.max_line_bytes,
            max_command=settings.max_command_bytes,
            max_append=settings.max_append_bytes if appends else settings.max_command_bytes,
        )

    @property
    def compressed(self) -> bool:
        """See ``Link.compressed``."""
        return self._deflate is not None

    async def compress(self) -> None:
        """See ``Link.compress``; a client that goes on before it has our OK is out of step."""
        await self.flush()
        if self._framer.pending:
            self._session.end(Limit.COMPRESSION)
            raise PeerGone
        self._deflate = Deflate(most=self._settings.max_read_ahead_bytes)

    async def start_tls(self) -> None:
        """See ``Link.start_tls``; octets that came before the handshake are an attack (row TLS-04)."""
        await self.flush()
        if self._framer.pending:
            self._session.end(Limit.PIPELINED_TLS)
            raise PeerGone
        await self._handshake()

    # The transport

    async def _handshake(self) -> None:
        """No await comes between the last look at the clear text and the switch of protocols."""
        tls = self._shared.tls
        if tls is None:
            raise RuntimeError("neither bind nor STARTTLS lets a handshake begin without a context")
        self._deadline = _NEVER  # the event loop keeps the time of the handshake
        self._shaking = True
        try:
            transport = await self._loop.start_tls(
                self._open(),
                self,
                tls,
                server_side=True,
                ssl_handshake_timeout=self._settings.tls_handshake_seconds,
            )
        except OSError as error:  # ssl.SSLError and TimeoutError are OSErrors
            self._over = self._lost = True  # asyncio reports no loss of a transport without TLS
            self._shared.metrics.limit_reached(Limit.HANDSHAKE)
            log.info(
                "tls_handshake_failed",
                connection=self._number,
                address=self.address,
                reason=type(error).__name__,
            )
            raise PeerGone from error
        except asyncio.CancelledError:
            self._lost = True
            raise
        finally:
            self._shaking = False
        if transport is None or self._lost:
            raise PeerGone
        self._adopt(transport)
        self._session.peer = msgspec.structs.replace(
            self._session.peer, tls=True, end_point=self._shared.end_point()
        )

    def _adopt(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(high=self._settings.write_buffer_bytes)
        self._transport = transport

    def _open(self) -> asyncio.Transport:
        if self._transport is None or self._over:
            raise PeerGone
        return self._transport

    def _write(self) -> None:
        if self._session.out.size and self._transport is not None:
            octets = self._session.out.take()
            self._transport.write(octets if self._deflate is None else self._deflate.compress(octets))

    def _close(self) -> None:
        """Write the last words and close; a peer that is far behind gets none.  Once is enough."""
        if self._over:
            return
        self._over = True
        self._set_deadline(Limit.WRITE_TIME, self._settings.write_seconds)
        if self._room is not None:
            self._cut()
        elif self._transport is not None:
            self._write()
            if self._ahead:
                self._linger(self._transport)
            else:
                self._transport.close()

    def _linger(self, transport: asyncio.Transport) -> None:
        """Forget what a peer sends on, until its time is over: closed now, it might hear a reset alone."""
        self._lingering = True
        self._set_deadline(Limit.WRITE_TIME, self._settings.linger_seconds)
        if transport.can_write_eof():  # not under TLS
            transport.write_eof()
        if not self._reading:
            transport.resume_reading()

    def _part(self) -> None:
        """The time of a peer that lingers is over; it has as much again to agree to the end of TLS."""
        self._lingering = False
        self._set_deadline(Limit.WRITE_TIME, self._settings.linger_seconds)
        if self._transport is not None:
            self._transport.close()

    def _cut(self) -> None:
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    def _account_for(self) -> None:
        """Log how the connection ended, once, and count the limit that ended it."""
        cause = self._session.ended_by
        if cause is not None:
            self._shared.metrics.limit_reached(cause)
        log.info(
            "connection_closed",
            connection=self._number,
            address=self.address,
            user=self._session.user,
            tls=self._session.peer.tls,
            cause=cause.name.lower() if cause else None,
        )

    def _finished(self, task: asyncio.Task[None]) -> None:
        """Also of a task that was cancelled before its first step, which carries out nothing of ``run``."""
        del task
        if not self._over:
            self._cut()
        self._done = True
        self._leave()

    def _leave(self) -> None:
        """The server forgets a connection when its socket and its task are both over."""
        if self._lost and self._done:
            self._house.closed(self)
            del self._session  # it names us in turn: a cycle, and the collector's work

    @staticmethod
    def _settle(waiting: asyncio.Future[None] | None) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
