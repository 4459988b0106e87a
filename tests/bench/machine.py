# machine.py -- where and with what the figures were measured
# SPDX-License-Identifier: MIT
import datetime
import os
import re
import subprocess

import contestants
import process


def _said(words, pattern):
    """What `pattern` finds in the output of a command, or None."""
    try:
        run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    except FileNotFoundError:
        return None
    found = re.search(pattern, run.stdout + run.stderr)
    return found[1] if found else None


def _first(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(pattern, file.read())
    except FileNotFoundError:
        return None
    return found[1] if found else None


def describe(quick):
    release = os.uname().release.split(".")
    where = ", ".join([
        _first("/proc/cpuinfo", r"model name\s*: (.*)") or os.uname().machine,
        f"{len(process.CPUS)} cores" + (" (virtual)" if _first("/proc/cpuinfo", r"(hypervisor)")
                                        else ""),
        f"Linux {release[0]}.{release[1]}",
        _first("/etc/os-release", r'PRETTY_NAME="(.*)"') or "?",
    ])
    versions = [
        ("idleflush", _said([contestants.IDLEFLUSH, "--version"], r"(\d[\w.~+-]*)")),
        ("glibc", _said(["getconf", "GNU_LIBC_VERSION"], r"glibc (\S+)")),
        ("stdbuf (coreutils)", _said(["stdbuf", "--version"], r"(\d[\d.]*)")),
        ("unbuffer (expect)", _said(["expect", "-v"], r"(\d[\d.]*)")),
        ("script (util-linux)", _said(["script", "--version"], r"(\d[\d.]*)")),
        ("libmicrohttpd", _said(["dpkg-query", "-W", "-f${Version}", "libmicrohttpd-dev"],
                                r"(\d[\d.]*)")),
        ("nginx", _said(["nginx", "-v"], r"nginx/(\S+)")),
        ("python3", _said(["/usr/bin/python3", "--version"], r"(\d\S*)")),
        ("uvicorn", _said(["/usr/bin/python3", "-m", "uvicorn", "--version"], r"(\d\S*)")),
    ]
    listed = ", ".join(f"{name} {version}" for name, version in versions if version)
    pinned = "server on one core, load and reader on the other" if process.PINNED else "not pinned"
    text = f"Measured {datetime.date.today()} on {where}; {pinned}.\nVersions: {listed}."
    return text + ("\nA quick run: few rounds, coarse figures." if quick else "")
