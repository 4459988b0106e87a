# contestants.py -- what a user would pick: each way to run a program, as words before its own
# SPDX-License-Identifier: MIT
import os
import shlex

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIB = os.path.abspath(os.environ.get("LIB") or os.path.join(ROOT, "build", "libidleflush.so"))
IDLEFLUSH = os.path.join(os.path.dirname(LIB), "idleflush")


class Contestant:
    """`words` go before the command; `patched`: the program is told to buffer by line itself."""

    def __init__(self, key, label, words=(), patched=False, pty=False):
        self.key = key
        self.label = label
        self.words = list(words)
        self.patched = patched
        self.pty = pty  # a second process copies every line through a terminal

    def command(self, words, patch):
        """The command that runs `words`; `patch`: what the source patch adds to them."""
        words = list(words) + (list(patch) if self.patched else [])
        if self.key == "script":
            return self.words + [shlex.join(words), "/dev/null"]
        return self.words + words

    @property
    def ours(self):
        return self.key.startswith("idleflush")


PLAIN = Contestant("plain", "plain (full buffering)")
AGAIN = Contestant("again", "plain, once more")
IDLE = Contestant("idleflush", "idleflush", [IDLEFLUSH])
IDLE_64K = Contestant("idleflush-64k", "idleflush -b 64K", [IDLEFLUSH, "-b", "64K"])
# No contestant, but a gauge: how much of the price is the second thread's, whoever has it.
THREAD = Contestant("thread", "a sleeping thread, nothing else",
                    ["env", "LD_PRELOAD=" + os.path.join(os.path.dirname(IDLEFLUSH),
                                                         "bench", "bin", "thread.so")])
IDLE_1S = Contestant("idleflush-1s", "idleflush -i 1s -m 0", [IDLEFLUSH, "-i", "1s", "-m", "0"])

ALL = [
    PLAIN,
    IDLE,
    IDLE_64K,
    IDLE_1S,
    Contestant("patch", "source patch: setvbuf, line", patched=True),
    Contestant("stdbuf-oL", "stdbuf -oL", ["stdbuf", "-oL"]),
    Contestant("stdbuf-o0", "stdbuf -o0", ["stdbuf", "-o0"]),
    Contestant("unbuffer", "unbuffer", ["unbuffer"], pty=True),
    Contestant("script", "script -qfc", ["script", "-qfc"], pty=True),
]
LABELS = {c.key: c.label for c in ALL + [AGAIN, THREAD]}


def pick(*keys):
    return [c for c in ALL if c.key in keys]
