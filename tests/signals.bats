#!/usr/bin/env bats
# signals.bats -- a program's signal dispositions are, as far as it can see, what they are without us
# SPDX-License-Identifier: MIT
# bats file_tags=core

load helper

setup() {
	declare -gA PRELOAD=([plain]=IDLEFLUSH_NO_LIBRARY=1 [shim]="LD_PRELOAD=$LIB")
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all
}

# both COMMAND...: puts its output and status into the files plain and shim, without addresses.
both() {
	local to status
	for to in plain shim; do
		status=0
		timeout 60 env --default-signal=INT,QUIT "${PRELOAD[$to]}" "$@" >"$to.out" 2>"$to.err" || status=$?
		echo "status $status" >>"$to.out"
		# Without libc's own signal 33: any second thread makes libc catch it, so it is ignored no longer.
		sed -E 's/0x[0-9a-f]*/ADDRESS/g; s/^(Sig.*)[0-9a-f]{8}([0-9a-f]{8})$/\1\2/' \
			"$to.out" "$to.err" >"$to"
	done
}

assert_both() {
	both "$@"
	diff plain shim
	assert [ "$(wc -l <plain)" -gt 1 ]
}

# caught PID: the signals that have a handler, as the kernel knows them.
caught() {
	sed -n 's/^SigCgt:\t//p' "/proc/$1/status"
}

is_ready() {
	[ -e ready ]
}

@test "The kernel has a handler of ours where the disposition is the default" {
	local lib mask=() at=0
	for lib in '' "$LIB"; do
		rm -f ready
		env --default-signal ${lib:+LD_PRELOAD="$lib"} "$PROGS/signals" wait ready 3>&- &
		wait_until 10 is_ready
		mask[at++]=$(caught $!)
		kill -TERM $!
		kill -HUP $!
		wait $!
	done
	assert_equal "$((16#${mask[0]}))" 0
	# All but KILL, CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG and WINCH; real-time signals as listed.
	assert_equal "$((16#${mask[1]} & 16#7fffffff))" $((16#7780feff))
}

@test "Whatever calls set a disposition, in whatever order, each reports what it would without us" {
	both "$PROGS/signals"
	assert [ "$(wc -l <plain)" -gt 10000 ]
	cmp plain shim
}

@test "A signal that is ignored from the start stays ignored, in children too" {
	local lib
	both env --ignore-signal=TERM,HUP,SEGV "$PROGS/signals" start
	assert [ "$(grep -c ' IGN ' plain)" = 3 ]
	cmp plain shim
	for lib in '' "$LIB"; do
		# shellcheck disable=SC2016 # for that shell
		run -0 timeout 20 env --ignore-signal=TERM ${lib:+LD_PRELOAD="$lib"} \
			bash -c 'bash -c "kill -TERM \$\$; echo still here"; echo "and there"'
		assert_output $'still here\nand there'
	done
}

@test "What a program executes starts with default dispositions" {
	# shellcheck disable=SC2016 # for that shell
	assert_both bash -c 'trap : USR1; trap "" USR2; env -u LD_PRELOAD grep "^Sig[BIC]" /proc/self/status'
	# shellcheck disable=SC2016 # for that shell
	assert_both bash -c 'exec env -u LD_PRELOAD grep "^Sig[BIC]" /proc/self/status'
	assert_both /usr/bin/python3 -u -c '
import os, subprocess
grep = ["/usr/bin/env", "-u", "LD_PRELOAD", "grep", "^Sig[BIC]", "/proc/self/status"]
print(subprocess.run(grep, stdout=subprocess.PIPE, text=True).stdout)
print(subprocess.run(grep, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: None).stdout)
os.posix_spawn(grep[0], grep, os.environ, setsigdef=[2, 15])
os.wait()
os.system(" ".join(grep))
print(os.popen(" ".join(grep)).read())'
}

@test "A signal that is blocked is taken by sigwait and signalfd, and kills nothing" {
	local lib
	for lib in '' "$LIB"; do
		rm -f ready
		env ${lib:+LD_PRELOAD="$lib"} "$PROGS/signals" wait ready >out 3>&- &
		wait_until 10 is_ready
		kill -TERM $!
		wait_until 10 grep -q 'took 15' out
		kill -HUP $!
		wait $!
		assert_equal "$(cat out)" $'took 15\ntook 1'
	done
}

@test "Python is told the disposition of each signal that it would have, and restores it" {
	assert_both /usr/bin/python3 -c '
import faulthandler, signal
def tell(): print([(int(s), str(signal.getsignal(s))) for s in sorted(signal.valid_signals())])
tell()
for s in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    old = signal.signal(s, lambda *_: None)
    tell()
    signal.signal(s, old)
tell()
faulthandler.enable()
faulthandler.disable()
for s in (1, 2, 3, 15):
    try:
        faulthandler.register(s)
        faulthandler.unregister(s)
        signal.siginterrupt(s, True)
        signal.siginterrupt(s, False)
    except (OSError, RuntimeError) as error: print(s, error)
tell()'
	assert [ "$(grep -c ADDRESS plain)" -ge 60 ]
}

@test "A fault under Python's faulthandler is reported, and kills the process, as without us" {
	both /usr/bin/python3 -X faulthandler -c 'import ctypes; ctypes.string_at(0)'
	grep -q 'Fatal Python error: Segmentation fault' plain
	assert_equal "$(cat shim.out)" 'status 139'
	diff <(grep -v 'line 1[0-9]*:' plain) <(grep -v 'line 1[0-9]*:' shim)
}

@test "The traps of a shell work as without us" {
	# shellcheck disable=SC2016 # for that shell
	assert_both bash -c 'trap -p; trap "echo term" TERM; trap "" HUP; trap -p; kill -TERM $$
		kill -HUP $$; trap - TERM HUP; trap -p; (trap -p; kill -TERM $BASHPID; echo not here)
		echo "child $?"; trap "echo leaving" EXIT; kill -INT $$; echo not here'
	# shellcheck disable=SC2016 # for that shell
	assert_both sh -c 'trap; trap "echo term" TERM; kill -TERM $$; trap - TERM; kill -TERM $$; echo not here'
}

@test "Perl is told the dispositions that it would have" {
	command -v perl >/dev/null || skip "no perl here"
	# shellcheck disable=SC2016 # Perl's
	assert_both perl -MPOSIX -e '$| = 1;
		print join(" ", map { "$_=" . ($SIG{$_} // "undef") } sort keys %SIG), "\n";
		$SIG{TERM} = sub { print "term\n" }; kill TERM => $$; $SIG{TERM} = "DEFAULT";
		for (1 .. 15) { my $old = POSIX::SigAction->new; POSIX::sigaction($_, undef, $old) or next;
			print "$_ ", $old->handler // "undef", " ", $old->flags // "", "\n" }
		kill TERM => $$; sleep 5; print "not here\n"'
	assert_equal "$(tail -n 1 shim.out)" 'status 143'
}

@test "Java's own check of its signal handlers is content" {
	command -v javac >/dev/null || skip "no Java here"
	cat >Main.java <<-'END'
		public class Main {
			public static void main(String[] arguments) throws Exception {
				for (String name : new String[] {"TERM", "INT", "HUP"}) {
					sun.misc.Signal signal = new sun.misc.Signal(name);
					sun.misc.SignalHandler old = sun.misc.Signal.handle(signal, s -> System.out.println(s));
					System.out.println(name + (old == sun.misc.SignalHandler.SIG_DFL) + (old == sun.misc.SignalHandler.SIG_IGN));
					sun.misc.Signal.raise(signal);
					Thread.sleep(200);
					sun.misc.Signal.handle(signal, old);
				}
				Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
				sun.misc.Signal.raise(new sun.misc.Signal("TERM"));
				Thread.sleep(5000);
			}
		}
	END
	javac -nowarn Main.java 2>/dev/null
	assert_both java -Xcheck:jni -Xint -cp . Main
	grep -q hook plain
}

# stops SIGNAL NAME: does it stop with the same status, and with the same messages?
stops() {
	local lib
	for lib in bare preload; do
		start_server "$lib" ${lib/bare/env} /usr/bin/python3 "$ROOT/tests/fixtures/python/serve.py" "$2"
		request "$(port_of "$lib")" 7
		stop_server "$lib" "$1"
		echo "status $SERVER_STATUS" >"$lib.end"
		# Without numbers, and each line once: it may be stopped before all workers are up.
		sed 's/[0-9]\+/N/g' "$(dir_of "$lib")/err" | sort -u >>"$lib.end"
	done
	diff bare.end preload.end
	# Both outputs are complete: a graceful stop flushes.
	assert_equal "$(lines_of preload | grep -c '^req 7')" 1
}

# bats test_tags=glibc
@test "uvicorn stops cleanly" {
	command -v uvicorn >/dev/null || skip "uvicorn is not here"
	stops TERM uvicorn
	stops INT uvicorn
	stops TERM uvicorn-workers
}

# bats test_tags=glibc
@test "gunicorn stops cleanly" {
	command -v gunicorn >/dev/null || skip "gunicorn is not here"
	# Not its gthread workers: up to one stop in ten hangs, without us as well.
	stops TERM gunicorn-sync
	stops INT gunicorn-sync
}
