# SPDX-License-Identifier: Apache-2.0
"""Asterisk 16 whose voicemail is stored by IMAP, as docs/imap.md tells operators to configure it."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path
from tempfile import mkdtemp

from tests.peers.asterisk.process import AsteriskProcess, free_port

_MODULES = """\
res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_rtp_asterisk res_pjproject
res_pjsip res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_endpoint_identifier_ip
res_pjsip_dtmf_info res_pjsip_pubsub res_pjsip_nat chan_pjsip bridge_simple codec_ulaw codec_alaw codec_gsm
codec_resample format_pcm format_gsm format_sln format_wav pbx_config app_playback app_verbose app_voicemail
res_adsi res_smdi func_callerid func_channel func_strings func_logic res_crypto
"""
MASTER = "asterisk"
MENUS = "*"
"""What stands before a mailbox to reach its menus."""


class ImapStorageAsterisk:
    """``mailboxes`` are extensions of Asterisk, and whose mailboxes here they are."""

    def __init__(
        self, root: Path, *, imap_port: int, master_password: str, mailboxes: dict[str, str]
    ) -> None:
        self.folder = Path(mkdtemp(prefix="vvm-asterisk16-"))
        self.sip_address = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
        self._process = AsteriskProcess(root, self.folder)
        for name in ("etc", "lib/keys", "spool", "log", "run"):
            (self.folder / name).mkdir(parents=True)
        for name in ("acl", "ccss", "cdr", "cel", "features", "udptl", "pjproject", "stasis"):
            (self.folder / "etc" / f"{name}.conf").touch()
        files = _files(root, self.folder, self.sip_address[1])
        files["voicemail.conf"] = _VOICEMAIL.format(
            port=imap_port,
            user=MASTER,
            password=master_password,
            boxes="\n".join(f"{box} => 4242,Alice,,,imapuser={owner}" for box, owner in mailboxes.items()),
        )
        for name, text in files.items():
            (self.folder / "etc" / name).write_text(text)

    def console(self) -> str:
        return self._process.console()

    async def start(self) -> None:
        await self._process.start()

    async def remove(self) -> None:
        await self._process.stop()
        await asyncio.to_thread(shutil.rmtree, self.folder)


def _files(root: Path, folder: Path, sip_port: int) -> dict[str, str]:
    rtp = min(free_port(socket.SOCK_DGRAM), 64000) & ~1
    modules = next(root.glob("usr/lib/**/app_voicemail.so")).parent
    directories = {
        "astetcdir": folder / "etc",
        "astmoddir": modules,
        "astvarlibdir": folder / "lib",
        "astdbdir": folder / "lib",
        "astkeydir": folder / "lib",
        "astdatadir": root / "usr/share/asterisk",
        "astagidir": folder,
        "astspooldir": folder / "spool",
        "astrundir": folder / "run",
        "astlogdir": folder / "log",
        "astsbindir": folder,
    }
    return {
        "asterisk.conf": "[directories]\n"
        + "".join(f"{key} => {path}\n" for key, path in directories.items())
        + "[options]\nnocolor = yes\n",
        "modules.conf": "[modules]\nautoload = no\n"
        + "".join(f"load = {name}.so\n" for name in _MODULES.split()),
        "logger.conf": "[general]\n[logfiles]\nconsole => notice,warning,error\n",
        "rtp.conf": f"[general]\nrtpstart = {rtp}\nrtpend = {rtp + 100}\n",
        "indications.conf": "[general]\ncountry = us\n[us]\ndescription = us\nringcadence = 2000,4000\n",
        "pjsip.conf": _PJSIP.format(port=sip_port),
        "extensions.conf": _EXTENSIONS,
    }


_PJSIP = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[network]
type = endpoint
context = default
disallow = all
allow = ulaw
direct_media = no
dtmf_mode = info
[network]
type = identify
endpoint = network
match = 127.0.0.1
"""
_EXTENSIONS = """\
[default]
exten => _X.,1,Answer()
 same => n,VoiceMail(${EXTEN}@default,s)
 same => n,Hangup()
exten => _*X.,1,Answer()
 same => n,VoiceMailMain(${EXTEN:1}@default,s)
 same => n,Hangup()
"""
_VOICEMAIL = """\
[general]
imapserver = localhost
imapport = {port}
imapflags = ssl/novalidate-cert
imapfolder = INBOX
authuser = {user}
authpassword = {password}
imapgreetings = yes
greetingsfolder = Greetings
imapopentimeout = 10
imapreadtimeout = 10
imapwritetimeout = 10
expungeonhangup = yes
format = wav
minsecs = 1
maxsilence = 0
serveremail = asterisk@pbx.test
[default]
{boxes}
"""
