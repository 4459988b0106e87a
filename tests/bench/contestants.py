# contestants.py -- what a user would pick: each way to run a program, as words before its own
# SPDX-License-Identifier: MIT
import os
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(ROOT, "build"))
LIB = os.path.abspath(os.environ.get("LIB") or os.path.join(BUILD, "libidleflush.so"))
IDLEFLUSH = os.path.join(os.path.dirname(LIB), "idleflush")


class Contestant:
    """`words` go before the command; `patched`: the program is told to buffer by line itself."""

    def __init__(self, key, label, words=(), patched=False):
        self.key = key
        self.label = label
        self.words = list(words)
        self.patched = patched

    def command(self, words, patch):
        """The command that runs `words`; `patch`: what the source patch adds to them."""
        words = list(words) + (list(patch) if self.patched else [])
        if self.key == "script":
            return self.words + [shlex.join(words), "/dev/null"]
        return self.words + words

    @property
    def ours(self):
        return self.key.startswith("idleflush")

    @property
    def known(self):
        """LIB may be of a version that lacks a setting."""
        return not self.ours or subprocess.run(
            [*self.words, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0


PLAIN = Contestant("plain", "plain (full buffering)")
AGAIN = Contestant("again", "plain, once more")
IDLE = Contestant("idleflush", "idleflush", [IDLEFLUSH])
THREADS = Contestant("idleflush-threads", "idleflush --start=threads",
                     [IDLEFLUSH, "--start=threads"])
IDLE_1S = Contestant("idleflush-1s", "idleflush -i 1s -m 0", [IDLEFLUSH, "-i", "1s", "-m", "0"])
NO_RUNTIMES = Contestant("idleflush-none", "idleflush --runtimes=none",
                         [IDLEFLUSH, "--runtimes=none"])
STDBUF = Contestant("stdbuf-oL", "stdbuf -oL", ["stdbuf", "-oL"])
UNBUFFER = Contestant("unbuffer", "unbuffer", ["unbuffer"])
THREAD_LIB = os.path.join(BUILD, "bench", "bin", "thread.so")
# Where a write that cannot block has to be made by other means.
OLDER = Contestant("idleflush-older", "idleflush, older kernel",
                   [os.path.join(BUILD, "bench", "bin", "older"), IDLEFLUSH])
# No contestant, but a gauge: how much of the price is the second thread's, whoever has it.
THREAD = Contestant("thread", "a sleeping thread, nothing else",
                    ["env", "LD_PRELOAD=" + THREAD_LIB])

ALL = [one for one in [
    PLAIN,
    IDLE,
    THREADS,
    IDLE_1S,
    Contestant("patch", "source patch: setvbuf, line", patched=True),
    STDBUF,
    Contestant("stdbuf-o0", "stdbuf -o0", ["stdbuf", "-o0"]),
    UNBUFFER,
    Contestant("script", "script -qfc", ["script", "-qfc"]),
] if one.known]
# Those who are asked at every rate.
MAIN = [one for one in ALL if one in (PLAIN, IDLE, THREADS, STDBUF, UNBUFFER)] + [THREAD]
LABELS = {one.key: one.label for one in ALL + [OLDER, AGAIN, THREAD, NO_RUNTIMES]}


def pick(*keys):
    return [c for c in ALL if c.key in keys]
