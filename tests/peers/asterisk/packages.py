# SPDX-License-Identifier: Apache-2.0
"""Asterisk from Debian's signed packages, unpacked into a folder: 22, and 16 for its IMAP storage.

The machine may run another Debian, so nothing is installed: a private apt state asks the mirror of
the machine's own apt for the suite that has it, verifies its signature, resolves what Asterisk depends on,
and the packages are unpacked side by side.  Needs no root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_BASE = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "libc6")


class Release(NamedTuple):
    """Which Asterisk, and where it is."""

    number: int
    suite: str
    wanted: tuple[str, ...]
    loader: str
    """A pattern of the dynamic linker's name, of the file itself: a link may lead out of the folder."""


NEWEST = Release(22, "forky", _BASE, "usr/lib*/ld-linux*.so.*")
WITH_IMAP = Release(
    16, "bullseye", (*_BASE, "asterisk-voicemail-imapstorage"), "usr/lib/*-linux-gnu/ld-[0-9]*.so"
)
"""The last one that Debian built with app_voicemail's IMAP storage."""


class Missing(RuntimeError):
    """Something of the machine is not there; the text says how to get it."""


def need(program: str, package: str) -> str:
    """The path of a program.  Raises Missing with the command that installs it."""
    found = shutil.which(program)
    if found is None:
        raise Missing(f"{program} is missing: apt-get install -y --no-install-recommends {package}")
    return found


def cache() -> Path:
    """Where peers are kept between runs: ``VVM_PEERS_CACHE``, or a folder that survives a reboot."""
    return Path(os.environ.get("VVM_PEERS_CACHE") or f"/var/tmp/vvm-peers-{os.getuid()}")


def asterisk(release: Release = NEWEST) -> Path:
    """The folder of an unpacked Asterisk that starts; unpacks it when there is none yet (about 10 s).

    ``folder / "asterisk"`` is the program.  Several test processes may ask at once.  Raises Missing.
    """
    root = cache() / f"asterisk-{release.number}"
    cache().mkdir(parents=True, exist_ok=True)
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _starts(root):
            shutil.rmtree(root, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=cache()) as scratch:
                _unpack(_download(Path(scratch), release), Path(scratch) / "root")
                (Path(scratch) / "root").rename(root)
            _write_starter(root, release)
            if not _starts(root):
                raise Missing(f"the Asterisk unpacked into {root} does not start")
    return root


def _starts(root: Path) -> bool:
    program = root / "asterisk"
    return (
        program.exists() and subprocess.run([program, "-V"], capture_output=True, check=False).returncode == 0
    )


def _download(scratch: Path, release: Release) -> list[Path]:
    """Every package that Asterisk needs, signature and hash verified by apt."""
    apt_get, dpkg = need("apt-get", "apt"), need("dpkg", "dpkg")
    if not KEYRING.exists():
        raise Missing(f"{KEYRING} is missing: apt-get install -y debian-archive-keyring")
    for folder in ("lists/partial", "cache/archives/partial", "none", "debs"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "status").touch()
    architecture = _run([dpkg, "--print-architecture"]).strip()
    sources = scratch / "sources.list"
    sources.write_text(
        f"deb [arch={architecture} signed-by={KEYRING}] {_mirror(apt_get)} {release.suite} main\n"
    )
    options = {
        "Dir::State::status": scratch / "status",
        "Dir::State::lists": scratch / "lists",
        "Dir::Cache": scratch / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": scratch / "none",
        "Dir::Etc::preferencesparts": scratch / "none",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke-Success::": "",
        "Acquire::Languages": "none",
        # A mirror may serve an old Release file.  Its signature is verified all the same.
        "Acquire::Check-Valid-Until": "false",
        "Debug::NoLocking": "1",
    }
    command = [apt_get, *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    _run([*command, "-qq", "update"])
    plan = _run([*command, "-qq", "--simulate", "install", *release.wanted])
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    _run([*command, "-qq", "download", *names], cwd=scratch / "debs")
    return sorted((scratch / "debs").glob("*.deb"))


def _mirror(apt_get: str) -> str:
    """The Debian mirror that this machine's apt uses already."""
    found = _run([apt_get, "indextargets", "--format", "$(REPO_URI)", "Label: Debian"]).split()
    if not found:
        raise Missing("apt knows no Debian mirror: run apt-get update")
    return found[0]


def _unpack(packages: list[Path], root: Path) -> None:
    dpkg_deb, tar = need("dpkg-deb", "dpkg"), need("tar", "tar")
    # The merged layout first: otherwise a package that still ships /lib makes a real folder of it.
    for folder in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for package in packages:
        with subprocess.Popen([dpkg_deb, "--fsys-tarfile", package], stdout=subprocess.PIPE) as octets:
            skip = ("--exclude=./usr/share/man", "--exclude=./usr/share/doc", "--exclude=./dev")
            unpack: list[str | Path] = [
                tar,
                "-x",
                "--no-same-owner",
                "--keep-directory-symlink",
                *skip,
                "-C",
                root,
            ]
            subprocess.run(unpack, stdin=octets.stdout, check=True)
        if octets.returncode:
            raise Missing(f"{package.name} cannot be unpacked")
    sounds = root / "usr/share/asterisk/sounds"
    if not (sounds / "en").exists():  # made by the package's postinst, which we do not run
        (sounds / "en").symlink_to("en_US_f_Allison")


def _write_starter(root: Path, release: Release) -> None:
    """A script that runs Asterisk with the C library it was built for, not with the machine's."""
    loader = next(root.glob(release.loader))
    starter = root / "asterisk"
    path = f"{libraries(root)}:{root}/usr/lib"
    starter.write_text(f'#!/bin/sh\nexec {loader} --library-path {path} {root}/usr/sbin/asterisk "$@"\n')
    starter.chmod(0o755)


def libraries(root: Path) -> Path:
    """The folder of shared libraries; its name has the machine's architecture."""
    return next(root.glob("usr/lib/*-linux-gnu"))


def _run(command: list[str | Path], *, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise Missing(f"{command[0]} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
