# process.py -- starting contestants, and what the kernel says of them and their children
# SPDX-License-Identifier: MIT
"""
CPU time is the sum of `sum_exec_runtime` over all threads of a process, those that ended included,
and its living descendants, in nanoseconds, by the process's CPU clock: /proc/PID/stat counts in
hundredths of a second, and wait4(2) knows only of the dead. A terminal contestant's copying process
is part of its cost; the reader at the end of the pipe is nobody's.
"""
import atexit
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

# A program sees what it would see in a container, nothing of this shell's habits.
ENVIRONMENT = {
    key: value
    for key, value in os.environ.items()
    if key in ("PATH", "HOME", "USER", "LANG", "TMPDIR")
}
ENVIRONMENT["TERM"] = "xterm"

CPUS = sorted(os.sched_getaffinity(0))
PINNED = len(CPUS) > 1 and not os.environ.get("BENCH_UNPINNED")
SERVER_CPUS = {CPUS[0]} if PINNED else set(CPUS)
LOAD_CPUS = set(CPUS[1:]) if PINNED else set(CPUS)
ALL_CPUS = set(CPUS)

SCRATCH = tempfile.mkdtemp(prefix="idleflush-bench-")
_started = []


def _end_all():
    for process in _started:
        if process.poll() is None:
            for pid in reversed(tree(process.pid)):
                _kill(pid, signal.SIGKILL)
            process.wait()
    shutil.rmtree(SCRATCH, ignore_errors=True)


atexit.register(_end_all)


def _kill(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


def start(words, cpus=None, **options):
    """Starts a command on `cpus`, in a session of its own, with a bare environment."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("env", ENVIRONMENT)
    process = subprocess.Popen(
        words,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus or ALL_CPUS),
        **options,
    )
    _started.append(process)
    return process


def output(words, cpus=None, **options):
    """What a command says on stdout; it must succeed."""
    process = start(words, cpus, stdout=subprocess.PIPE, text=True, **options)
    text, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit status {process.returncode}")
    return text


def _read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def tree(root):
    """The process and all its living descendants, parents first."""
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        fields = _read(path).rpartition(")")[2].split()
        if fields:
            children.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _tasks(root, name):
    for pid in tree(root):
        for path in glob.glob(f"/proc/{pid}/task/*/{name}"):
            yield _read(path)


def _field(text, name):
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def cpu_ns(root):
    """clock_getcpuclockid(3) of each process, which Python lacks."""
    spent = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            spent += time.clock_gettime_ns((~pid << 3) | 2)
    return spent


def wakeups(root):
    return sum(_field(text, "voluntary_ctxt_switches:") for text in _tasks(root, "status"))


def memory_kib(root):
    """Of the process and its descendants: RSS, PSS, and what nobody else could share."""
    rollups = [_read(f"/proc/{pid}/smaps_rollup") for pid in tree(root)]
    return {
        name.lower().rstrip(":"): sum(_field(text, name) for text in rollups)
        for name in ("Rss:", "Pss:", "Private_Dirty:")
    }


def stack_kib(root):
    """Resident part of the flusher thread's stack: the mapping that its stack pointer is in."""
    for path in glob.glob(f"/proc/{root}/task/*/comm"):
        if _read(path).strip() != "idleflush":
            continue
        call = _read(path.replace("comm", "syscall")).split()
        if len(call) < 3:
            continue
        pointer, inside = int(call[-2], 16), False
        for line in _read(f"/proc/{root}/smaps").splitlines():
            word = line.split()[0]
            if "-" in word and not word.endswith(":"):
                low, high = (int(end, 16) for end in word.split("-"))
                inside = low <= pointer < high
            elif inside and word == "Rss:":
                return int(line.split()[1])
    return None


class Server:
    """A server with its stdout in a pipe, and whoever reads that at the other end."""

    def __init__(self, words, reader=("cat",), cpus=SERVER_CPUS, env=None, ages=None):
        self.dir = tempfile.mkdtemp(dir=SCRATCH)
        self.port_file = os.path.join(self.dir, "port")
        self.pid_file = os.path.join(self.dir, "pid")
        self.ages = ages
        self.port = None
        words = [word.format(port_file=self.port_file, pid_file=self.pid_file) for word in words]
        end, other = os.pipe()
        with open(ages or os.devnull, "wb") as lines:
            self.reader = start(list(reader), LOAD_CPUS, stdin=end, stdout=lines)
        self.process = start(
            words,
            cpus,
            stdout=other,
            stderr=subprocess.DEVNULL,
            env={**ENVIRONMENT, **(env or {})},
        )
        os.close(end)
        os.close(other)
        self.pid = self.process.pid

    def await_port(self, seconds=20):
        """Until it listens: the fixture writes its port, others were given one."""
        until(lambda: _read(self.port_file).strip(), seconds, "the server's port")
        self.port = int(_read(self.port_file))
        return self

    def stop(self, sig=signal.SIGTERM):
        """Ends the server itself; terminals and readers then end by themselves."""
        text = _read(self.pid_file).strip()
        _kill(int(text) if text else tree(self.pid)[-1], sig)
        for process, what in ((self.process, "server"), (self.reader, "reader")):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in reversed(tree(process.pid)):
                    _kill(pid, signal.SIGKILL)
                print(f"bench: the {what} had to be killed: {process.args}")
        shutil.rmtree(self.dir, ignore_errors=True)


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.01)
