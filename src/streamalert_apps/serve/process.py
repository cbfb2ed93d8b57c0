"""Which process holds a lease, so that the lease of one that died need not be waited for."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def this_process() -> str:
    """Return what names this process among all that ran on this machine; empty where that can't be told."""
    return _named(os.getpid())


def is_dead(process: str) -> bool:
    """Tell whether a process of this boot and namespace is no more; False where that can't be told."""
    boot, _, rest = process.partition(" ")
    number = rest.split(" ")[0]
    if not number.isdecimal() or boot != _boot():
        return False
    return _named(int(number)) != process


def _boot() -> str:
    """Return what names this boot and this namespace of processes."""
    if sys.platform != "linux":
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink().name}"
    except OSError:
        return ""


def _named(number: int) -> str:
    boot = _boot()
    if not boot:
        return ""
    try:
        stat = Path(f"/proc/{number}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return f"{boot} {number} {stat.rpartition(')')[2].split()[19]}"
