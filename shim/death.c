/* death.c -- how a process dies of a signal: last words first, then as without us */
/* SPDX-License-Identifier: MIT */
/*
 * The guard has the flusher thread flush, then restores the default action and sends itself the
 * same signal with the same siginfo. It is blocked until the guard returns, so it strikes where
 * the first one did: same wait status, same registers and siginfo in the core.
 * Put off: a signal from outside may interrupt the very thread that a flush has to wait for,
 * inside printf. That one goes on, as if the signal had come a little later, and the flusher
 * thread ends the process; should it stay in there, it is held where it is, and its lock passed.
 * Any other thread stays in its guard, or a system call cut short by the signal would be seen; one
 * that nobody knows of (musl's stdio, a thread of Python's) stays for PATIENCE, then it goes on.
 * Owns: `death`. The first of several signals counts, as it would have without us.
 * Called from: signal handlers, vfork children too; host threads about to end the process.
 */
#include "death.h"

#include "flusher.h"
#include "futex.h"
#include "guard.h"
#include "look.h"
#include "next.h"
#include "sinks.h"
#include "stats.h"

#include <ucontext.h>

#define BOUND    (250 * NS_PER_MS)
#define PATIENCE (20 * NS_PER_MS) /* where nobody tells whose a lock is: so long it is in use */
#define MOMENT   (50 * NS_PER_MS)
#define OVERDUE  NS_PER_S /* by then whoever is to end the process has done so */
#define STEP     NS_PER_MS

static struct {
	_Atomic int64_t until_ns; /* so long the process is dying; past: it lives */
	_Atomic bool struck;      /* by the flusher thread */
	int sig, tid;             /* written by who claimed it, as is `info` */
	siginfo_t info;
} death;

static int this_thread(void)
{
	return (int)syscall(SYS_gettid);
}

static void stand(int64_t bound_ns)
{
	int64_t end = clock_now_ns() + bound_ns;
	int64_t left;

	while ((left = end - clock_now_ns()) > 0)
		futex_sleep(left);
}

/* True for the first. */
static bool claim(void)
{
	int64_t now = clock_now_ns(), before = atomic_load(&death.until_ns);

	while (before <= now)
		if (atomic_compare_exchange_weak(&death.until_ns, &before, now + OVERDUE))
			return true;
	return false;
}

static bool is_dying(void)
{
	int64_t until = atomic_load(&death.until_ns);

	return until && clock_now_ns() < until;
}

/* Is it the thread that dies, and needs but leave its guard for that? */
static bool is_struck(void)
{
	return atomic_load(&death.struck) && is_dying() && death.tid == this_thread();
}

/* A fault of the running instruction: going on is no choice. */
static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 &&
	       (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGSYS);
}

/* Did it come from outside? Whoever raises a signal itself expects not to return. */
static bool is_from_outside(int sig, const siginfo_t *info)
{
	return !is_fault(sig, info) && (info->si_code > 0 || info->si_pid != getpid());
}

/* Only these leave a core, where the siginfo shows; a sandbox may know no rt_tgsigqueueinfo. */
static bool may_dump(int sig)
{
	return sig != SIGTERM && sig != SIGINT && sig != SIGHUP;
}

static void strike(int sig, int tid, siginfo_t *info)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	next.sigaction(sig, &standard, NULL);
	if (may_dump(sig) && syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, sig, info) == 0)
		return;
	if (syscall(SYS_tgkill, getpid(), tid, sig) < 0) /* that thread is gone */
		syscall(SYS_kill, getpid(), sig);
}

/* Strikes when the guard returns, also where the interrupted code had let it in for a wait only. */
static void strike_on_return(int sig, siginfo_t *info, void *context)
{
	ucontext_t *frame = context;

	frame->uc_sigmask.__val[0] &= ~(1UL << (sig - 1));
	strike(sig, this_thread(), info);
	/* The first process of a pid namespace dies of nothing but the kernel's own SIGSYS. */
	if (sig == SIGSYS && is_fault(sig, info) && getpid() == 1)
		platform_repeat_call(frame);
}

/* The blow falls now, if anything; only a loaded machine takes its time. */
static void expect_blow(void)
{
	atomic_store(&death.until_ns, clock_now_ns() + BOUND);
}

/* Strikes on this thread, now. */
static void strike_here(void)
{
	sigset_t only;

	memset(&only, 0, sizeof(only));
	only.__val[0] = 1UL << (death.sig - 1);
	strike(death.sig, this_thread(), &death.info);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

/*
 * Has the thread that was let go on stand still where it is: what it holds is written past its lock
 * then, which a running thread would print a second time. It is the guard again that stops it.
 */
static void hold(void)
{
	if (guard_stands(death.sig))
		syscall(SYS_tgkill, getpid(), death.tid, death.sig);
	look_for_the_last_time(0, MOMENT, true);
}

/* The flusher thread. */
static void die_after_all(void)
{
	if (look_retry_ns() && sink_stdio_tells_owner())
		hold();
	stats_print();
	expect_blow();
	strike(death.sig, death.tid, &death.info);
	atomic_store(&death.struck, true);
	/* That thread may have blocked it since. */
	stand(MOMENT);
	strike_here();
}

/* Another signal, while the process dies of the first. False: it did not. */
static bool join_in(int sig, const siginfo_t *info)
{
	bool outside = is_from_outside(sig, info);

	if (outside && sinks_held_by_caller() == SINKS_HELD)
		return true; /* the flush waits for this thread */
	if (!outside)
		sinks_abandon();
	while (is_dying() && !is_struck())
		stand(STEP);
	return is_struck();
}

static bool put_off(void)
{
	if (!flusher_has_thread())
		return false;
	flusher_flush_then(die_after_all);
	return true;
}

static void speak_and_die(int sig, siginfo_t *info, void *context)
{
	bool outside = is_from_outside(sig, info);
	enum sinks_held held = sinks_held_by_caller();
	bool flushed;

	death.sig = sig;
	death.tid = this_thread();
	death.info = *info;
	atomic_store(&death.struck, false);
	flushed = outside && held == SINKS_UNKNOWN && flusher_flush_now(true, PATIENCE);
	if (outside && held != SINKS_FREE && !flushed && put_off())
		return;
	if (!outside || held == SINKS_HELD)
		sinks_abandon();
	if (!flushed && !flusher_flush_now(true, BOUND) && held != SINKS_HELD &&
	    sink_stdio_tells_owner())
		sinks_flush_by_caller(false, 0); /* so busy is the machine */
	stats_print();
	expect_blow();
	strike_on_return(sig, info, context);
}

static void die(int sig, siginfo_t *info, void *context)
{
	while (!claim())
		if (join_in(sig, info))
			return;
	speak_and_die(sig, info, context);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	siginfo_t unknown = {.si_signo = sig}; /* as if from the kernel's own process */
	sigset_t all;
	int kept = errno;

	if (!info)
		info = &unknown;
	if (guard_is_interrupted(context) && !is_fault(sig, info))
		return; /* of two at once the kernel has the later one run first */
	/* Nothing comes in between, the program's handlers least; the return undoes it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	if (!flusher_is_owner()) /* a vfork child, say */
		strike_on_return(sig, info, context);
	else if (getpid() == 1 && !is_fault(sig, info))
		flusher_ask(); /* there the default action does nothing */
	else
		die(sig, info, context);
	errno = kept;
}

void death_init(uint64_t signals)
{
	guard_init(signals, on_signal);
}

void death_begin_in_child(void)
{
	atomic_store(&death.until_ns, 0);
}

void death_await(void)
{
	while (is_dying())
		stand(STEP);
}
