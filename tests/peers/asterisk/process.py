# SPDX-License-Identifier: Apache-2.0
"""One Asterisk as a process: started, stopped and killed, whatever its configuration says."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

_BOOT_SECONDS = 30.0
_STOP_SECONDS = 15.0


class AsteriskProcess:
    """Runs ``etc/asterisk.conf`` of a folder."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None

    def console(self) -> str:
        """Everything Asterisk has printed."""
        return (self.folder / "console.log").read_text(errors="replace")

    async def start(self) -> None:
        """Return when Asterisk is fully booted, as it tells systemd.  Raises AssertionError."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(0)
            with (self.folder / "console.log").open("ab") as console:
                self._process = await asyncio.create_subprocess_exec(
                    self._root / "asterisk", "-f", "-C", self.folder / "etc" / "asterisk.conf",
                    stdin=asyncio.subprocess.DEVNULL, stdout=console, stderr=console,
                    env={"NOTIFY_SOCKET": str(path), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
                    start_new_session=True,
                )  # fmt: skip
            try:
                async with asyncio.timeout(_BOOT_SECONDS):
                    loop = asyncio.get_running_loop()
                    while b"READY=1" not in await loop.sock_recv(notify, 4096):
                        pass
            except TimeoutError:
                await self.kill()
                raise AssertionError(f"Asterisk has not booted:\n{self.console()[-4000:]}") from None

    async def stop(self) -> None:
        """End it as systemd does."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
