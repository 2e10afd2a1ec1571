# SPDX-License-Identifier: Apache-2.0
"""Files and directories of a configuration: what must be there is, and what must be made can be.

Only the user that runs the server can say so: check a configuration as that user.
"""

from __future__ import annotations

import errno
import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from vvm.config.errors import Mistake
from vvm.config.sections import SQLITE, Config
from vvm.config.toml import render
from vvm.services.credentials import MASTER_KEY_BYTES
from vvm.store.blobs.settings import FILE

Findings = Iterator[Mistake]


def _files(config: Config) -> Findings:
    """Every file that is named can be read."""
    named = {
        "tls.certificate": config.tls.certificate,
        "tls.key": config.tls.key,
        "secrets.master_key_file": config.secrets.master_key_file,
        "http.admin_token_file": config.http.admin_token_file,
        "http.certificate": config.http.certificate,
        "http.key": config.http.key,
        "http.client_ca": config.http.client_ca,
        "self_service.certificate": config.self_service.certificate,
        "self_service.key": config.self_service.key,
    }
    for index, smsc in enumerate(config.sms.smsc):
        if smsc.tls is not None:
            for name in ("ca", "certificate", "key"):
                named[f"sms.smsc[{index}].tls.{name}"] = getattr(smsc.tls, name)
    for key, name in named.items():
        if name and (reason := _unreadable(name)):
            yield Mistake(key, f"a file that can be read: {reason}", render(name))
    asterisk = config.asterisk
    if asterisk is not None and asterisk.ari:
        file = asterisk.ari_password_file
        reason = _unreadable(file) if file else "ARI always asks"
        if reason:
            yield Mistake("asterisk.ari_password_file", f"a file that can be read: {reason}", render(file))


def _certificate(config: Config) -> Findings:
    yield from _pair("tls", config.tls.certificate, config.tls.key)


def _http_tls(config: Config) -> Findings:
    http = config.http
    if http.listen_tls and not http.certificate:
        yield Mistake("http.certificate", "a certificate, which http.listen_tls needs", render(""))
    yield from _pair("http", http.certificate, http.key)
    yield from _pair("self_service", config.self_service.certificate, config.self_service.key)
    if is_readable(http.client_ca):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(http.client_ca)
        except (ssl.SSLError, OSError):
            right = "certificates of authorities, in PEM"
            yield Mistake("http.client_ca", right, render(http.client_ca))


def _pair(section: str, certificate: str, key: str) -> Findings:
    if bool(certificate) != bool(key):
        missing = "key" if certificate else "certificate"
        right = "certificate and key go together: give both or neither"
        yield Mistake(f"{section}.{missing}", right, render(""))
    elif is_readable(certificate) and is_readable(key):
        try:
            # Without a password it would ask the terminal for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        except (ssl.SSLError, OSError):
            right = f"the key of {section}.certificate, both PEM, no passphrase"
            yield Mistake(f"{section}.key", right, render(key))


def _master_key(config: Config) -> Findings:
    """The size of the key, also of one that an earlier start has made."""
    path = config.master_key_path
    if not config.secrets.master_key_file and path.exists() and (reason := _unreadable(str(path))):
        yield Mistake("secrets.master_key_file", f"a file that can be read: {path}: {reason}", render(""))
    elif is_readable(str(path)) and (size := path.stat().st_size) != MASTER_KEY_BYTES:
        right = f"a file of {MASTER_KEY_BYTES} octets, and {path} has {size}"
        yield Mistake("secrets.master_key_file", right, render(config.secrets.master_key_file))


def _directories(config: Config) -> Findings:
    """State and store can be written, and what is missing can be made."""
    if reason := _unusable(Path(config.state.directory)):
        yield Mistake("state.directory", f"a directory to write to: {reason}", render(config.state.directory))
    blobs = config.blobs
    if blobs.url.startswith(FILE) and (reason := _unusable(Path(blobs.place))):
        yield Mistake("blobs.url", f"a directory to write to: {reason}", render(blobs.url))
    if blobs.cache_directory and (reason := _unusable(Path(blobs.cache_directory))):
        right = f"a directory to write to: {reason}"
        yield Mistake("blobs.cache_directory", right, render(blobs.cache_directory))
    directory = config.hints_directory
    if config.hints.bus == "sockets" and (reason := _unusable(directory)):
        yield Mistake("hints.directory", f"a directory to write to: {reason}", render(config.hints.directory))
    path = config.store.path
    if path is None or config.store.url == SQLITE:
        return
    reason = _unusable(path.parent)
    if not reason and path.exists() and not (path.is_file() and os.access(path, os.R_OK | os.W_OK)):
        reason = f"{path} is not a file that this user may read and write"
    if reason:
        yield Mistake("store.url", f"a file in a directory to write to: {reason}", render(config.store.url))


def _spool(config: Config) -> Findings:
    spool = config.asterisk.spool if config.asterisk is not None else ""
    if spool and not _is_directory(spool):
        right = "a directory that this user may read, such as /var/spool/asterisk"
        yield Mistake("asterisk.spool", right, render(spool))


RULES = (_certificate, _http_tls, _files, _master_key, _directories, _spool)


def is_readable(name: str) -> bool:
    """A file that this user may read."""
    return not _unreadable(name)


def _unreadable(name: str) -> str:
    """Why it is no file that this user may read; "" when it is one."""
    try:
        mode = Path(name).stat().st_mode
        if stat.S_ISREG(mode):
            Path(name).open("rb").close()
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__
    return os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "not a file"


def _is_directory(name: str) -> bool:
    try:
        return Path(name).is_dir() and os.access(name, os.R_OK | os.X_OK)
    except OSError:
        return False


def _unusable(directory: Path) -> str:
    """Why no file can be made there, were it made itself where it is missing; "" when one can."""
    for place in (directory, *directory.parents):
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{place}: {error.strerror}"
        if not stat.S_ISDIR(mode):
            return f"{place} is not a directory"
        if not os.access(place, os.W_OK | os.X_OK):
            return f"this user may not write to {place}"
        return "" if place == directory else _unmakable(place)
    return f"{directory} cannot be made"


def _unmakable(place: Path) -> str:
    """Why no directory can be made there, which nobody says of /proc, or to root, before one is."""
    try:
        Path(mkdtemp(prefix=".vvm.", dir=place)).rmdir()
    except OSError as error:
        return f"{place}: {error.strerror}"
    return ""
