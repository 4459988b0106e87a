# work_waiting.py -- (w): lines of programs that sleep, read from a pipe, or serve on stdio
# SPDX-License-Identifier: MIT
import os
import signal
import socket
import subprocess
import time

import contestants
import process
import work_http

MODES = "sleep", "pipe", "inetd"
GAP = 0.02  # seconds from line to line, as in waiting.c


class Program:
    """waiting.c, and the reader of its lines."""

    def __init__(self, bench, one, mode, count):
        self.one, self.mode = one, mode
        self.ages = f"{process.SCRATCH}/waiting-{one.key}-{mode}"
        if mode == "inetd":  # one socket is all it has
            client, server = socket.socketpair()
            self.ask, read = os.dup(client.fileno()), client.detach()
            stdin = stdout = server.detach()
        else:
            stdin, self.ask = os.pipe()
            read, stdout = os.pipe()
        with open(self.ages, "wb") as lines:
            self.reader = process.start([bench.fixture("reader"), f"--summary={self.ages}.sum"],
                                        process.LOAD_CPUS, stdin=read, stdout=lines)
        command = one.command([bench.program("waiting"), mode, str(count)], [])
        # A filter's answers wait in the pipe; nobody needs to read so few.
        self.program = process.start(command, process.SERVER_CPUS, stdin=stdin, stdout=stdout,
                                     stderr=subprocess.PIPE)
        for fd in {stdin, stdout, read}:
            os.close(fd)

    def stop(self):
        self.program.send_signal(signal.SIGTERM)
        self.program.wait()
        os.close(self.ask)
        self.reader.wait()
        return work_http.ages_ms(self.ages)


def run(bench):
    """All side by side; what is in the buffer when the program is stopped by TERM is lost."""
    count = 50 if bench.quick else 500
    for turn in bench.rounds("w-waiting", 1, 1):
        running = [Program(bench, one, mode, count) for mode in MODES
                   for one in contestants.MAIN if one.key not in ("unbuffer", "thread")]
        for _ in range(count):
            time.sleep(GAP)
            for one in running:
                os.write(one.ask, b"\n")
        time.sleep(1)
        for one in running:
            work_http.add_ages(bench, f"w-{one.mode}", one.one, 50, turn, one.stop(), count)
