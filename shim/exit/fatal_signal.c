/* fatal_signal.c -- how a process dies of a signal: it flushes first, then dies as without us */
/* SPDX-License-Identifier: MIT */
/*
 * The handler asks the flusher thread to flush, restores the default action, and raises the same
 * signal again with the same siginfo. The signal is blocked until the handler returns, so it is
 * delivered where the first one was: same wait status, same registers and siginfo in the core.
 *
 * Deferred: a signal from outside may interrupt a thread inside printf, which holds a lock that the
 * flush needs. Then the handler returns so that the thread can finish, and the flusher thread kills
 * the process afterwards. If the thread does not finish, it is stopped where it is, and its stream
 * is written without the lock. A thread that holds no such lock stays in its handler, because the
 * program would notice a system call that was cut short. If nobody can tell who holds the lock
 * (musl, Python), the thread stays in its handler for PATIENCE, and then its signal is deferred. So
 * is that of a thread that will soon wait, and only then can lend a runtime's buffer to the flusher
 * thread.
 *
 * Of several signals the first one counts, as it would without us.
 * Owns: `dying`. Called from: signal handlers, also of vfork children; host threads about to end
 * the process.
 */
#include "exit/fatal_signal.h"

#include "base/futex.h"
#include "base/next.h"
#include "exit/hidden_handler.h"
#include "flush/all_sinks.h"
#include "flush/flusher.h"
#include "flush/lending.h"
#include "flush/pass.h"
#include "flush/stats.h"

#include <ucontext.h>

#define BOUND    (250 * NS_PER_MS)
#define PATIENCE (20 * NS_PER_MS) /* how long a lock of unknown owner may be in use */
#define MOMENT   (50 * NS_PER_MS) /* for one more try to flush, or for the signal to be delivered */
#define OVERDUE  NS_PER_S         /* by then the thread that ends the process has done so */
#define STEP     NS_PER_MS

static struct {
	_Atomic int64_t
		deadline_ns;   /* until then the process is dying; afterwards it has survived */
	_Atomic bool reraised; /* by the flusher thread */
	int sig, tid;          /* these and `info` are written by the first thread */
	siginfo_t info;
} dying;

static int this_thread(void)
{
	return (int)syscall(SYS_gettid);
}

static void sleep_ns(int64_t bound_ns)
{
	int64_t end = clock_now_ns() + bound_ns;
	int64_t left;

	while ((left = end - clock_now_ns()) > 0)
		futex_sleep(left);
}

/* True for the thread that got the first of several signals. */
static bool become_first(void)
{
	int64_t now = clock_now_ns(), before = atomic_load(&dying.deadline_ns);

	while (before <= now)
		if (atomic_compare_exchange_weak(&dying.deadline_ns, &before, now + OVERDUE))
			return true;
	return false;
}

static bool is_dying(void)
{
	int64_t until = atomic_load(&dying.deadline_ns);

	return until && clock_now_ns() < until;
}

/* Was the signal raised again on this thread, so that its handler only has to return? */
static bool is_reraised(void)
{
	return atomic_load(&dying.reraised) && is_dying() && dying.tid == this_thread();
}

/* Was it raised by the running instruction, so that the thread cannot continue? */
static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 && (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
				     sig == SIGILL || sig == SIGTRAP || sig == SIGSYS);
}

/* Did it come from outside? A thread that raises a signal itself does not expect to go on. */
static bool is_from_outside(int sig, const siginfo_t *info)
{
	return !is_fault(sig, info) && (info->si_code > 0 || info->si_pid != platform_pid());
}

/* Only a core shows the siginfo. A sandbox may refuse rt_tgsigqueueinfo. */
static bool may_dump(int sig)
{
	return sig == SIGQUIT || sig == SIGILL || sig == SIGTRAP || sig == SIGABRT ||
	       sig == SIGBUS || sig == SIGFPE || sig == SIGSEGV || sig == SIGXCPU ||
	       sig == SIGXFSZ || sig == SIGSYS;
}

static void reraise(int sig, int tid, siginfo_t *info)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	next.sigaction(sig, &standard, NULL);
	if (may_dump(sig) && syscall(SYS_rt_tgsigqueueinfo, platform_pid(), tid, sig, info) == 0)
		return;
	if (syscall(SYS_tgkill, platform_pid(), tid, sig) < 0) /* that thread is gone */
		syscall(SYS_kill, platform_pid(), sig);
}

/* Delivered when the handler returns, even if the signal was unblocked only for a wait. */
static void reraise_on_return(int sig, siginfo_t *info, void *context)
{
	ucontext_t *frame = context;

	frame->uc_sigmask.__val[0] &= ~(1UL << (sig - 1));
	reraise(sig, this_thread(), info);
	/* PID 1 of a namespace dies of no signal but the kernel's own SIGSYS. */
	if (sig == SIGSYS && is_fault(sig, info) && platform_pid() == 1)
		platform_repeat_call(frame);
}

/* The signal is about to be delivered, which may take a while on a loaded machine. */
static void extend_deadline(void)
{
	atomic_store(&dying.deadline_ns, clock_now_ns() + BOUND);
}

/* Raises the signal on this thread, now. */
static void reraise_here(void)
{
	sigset_t only;

	memset(&only, 0, sizeof(only));
	only.__val[0] = 1UL << (dying.sig - 1);
	reraise(dying.sig, this_thread(), &dying.info);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

/*
 * Stops the thread whose signal was deferred, by sending it that signal again, and writes its
 * stream without the lock. If the thread went on running, it would print those bytes a second time.
 */
static void hold(void)
{
	if (hidden_handler_is_set(dying.sig))
		syscall(SYS_tgkill, platform_pid(), dying.tid, dying.sig);
	pass_until_empty(0, MOMENT, true);
}

/* The flusher thread. */
static void finish_deferred(void)
{
	if (pass_retry_ns() && std_streams_tells_owner())
		hold();
	stats_print();
	extend_deadline();
	reraise(dying.sig, dying.tid, &dying.info);
	atomic_store(&dying.reraised, true);
	/* That thread may have blocked the signal since. */
	sleep_ns(MOMENT);
	reraise_here();
}

/* Another signal, while the process is dying of the first. False: it did not die after all. */
static bool wait_for_first(int sig, const siginfo_t *info)
{
	bool outside = is_from_outside(sig, info);

	if (outside && all_sinks_held_by_caller() == ALL_SINKS_HELD)
		return true; /* the flush waits for this thread */
	if (!outside)
		all_sinks_abandon(true);
	while (is_dying() && !is_reraised())
		sleep_ns(STEP);
	return is_reraised();
}

static bool defer(void)
{
	if (!flusher_has_thread())
		return false;
	flusher_flush_then(finish_deferred);
	return true;
}

static void flush_and_die(int sig, siginfo_t *info, void *context)
{
	bool outside = is_from_outside(sig, info);
	enum all_sinks_held held = all_sinks_held_by_caller();
	int64_t bound_ns = BOUND;
	bool flushed = false;

	dying.sig = sig;
	dying.tid = this_thread();
	dying.info = *info;
	atomic_store(&dying.reraised, false);
	if (outside && held == ALL_SINKS_UNKNOWN) {
		flushed = flusher_flush_now(true, PATIENCE);
		bound_ns -= PATIENCE;
	}
	if (outside && !flushed && (held != ALL_SINKS_FREE || lending_will_follow()) && defer())
		return;
	if (!outside || held == ALL_SINKS_HELD)
		all_sinks_abandon(true);
	if (!outside && !flusher_awake())
		flusher_flush_after_end();
	if (!flushed && !flusher_flush_now(true, bound_ns) && held != ALL_SINKS_HELD &&
	    std_streams_tells_owner())
		all_sinks_flush_by_caller(false, 0); /* the machine is that busy */
	stats_print();
	extend_deadline();
	reraise_on_return(sig, info, context);
}

static void die(int sig, siginfo_t *info, void *context)
{
	while (!become_first())
		if (wait_for_first(sig, info))
			return;
	flush_and_die(sig, info, context);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	siginfo_t unknown = {.si_signo = sig}; /* pid 0: as if from the kernel */
	sigset_t all;
	int saved_errno = errno;

	if (!info)
		info = &unknown;
	/* Of two signals at once, the kernel starts with the handler of the second. */
	if (hidden_handler_is_interrupted(context) && !is_fault(sig, info))
		return;
	/* No handler of the program may run meanwhile. The return restores the mask. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	if (!flusher_is_owner()) /* a vfork child, say */
		reraise_on_return(sig, info, context);
	else if (platform_pid() == 1 && !is_fault(sig, info))
		flusher_ask(); /* PID 1 of a namespace survives the default action */
	else
		die(sig, info, context);
	errno = saved_errno;
}

void fatal_signal_init(uint64_t signals)
{
	hidden_handler_init(signals, on_signal);
}

void fatal_signal_begin_in_child(void)
{
	atomic_store(&dying.deadline_ns, 0);
}

void fatal_signal_await(void)
{
	while (is_dying())
		sleep_ns(STEP);
}
