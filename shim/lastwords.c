/* lastwords.c -- what is pending comes out before the process dies */
/* SPDX-License-Identifier: MIT */
/*
 * How a process dies of a signal: the guard has the flusher thread flush, then restores the default
 * action and sends itself the same signal with the same siginfo. It is blocked until the guard
 * returns, so it strikes where the first one did: same wait status, same registers and siginfo in
 * the core.
 * Put off: a signal from outside may interrupt the very thread that a flush has to wait for, inside
 * printf. That one goes on, as if the signal had come a little later, and the flusher thread ends
 * the process. Any other thread stays in its guard, or a system call that the signal cut short
 * would be seen by the program.
 * Owns: `death`. The first of several signals counts, as it would have without us.
 * Called from: signal handlers, host threads about to end the process, vfork children.
 */
#include "lastwords.h"

#include "flusher.h"
#include "futex.h"
#include "guard.h"
#include "next.h"
#include "sink_python.h"
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
	_Atomic uint32_t never = 0;
	int64_t left;

	while ((left = end - clock_now_ns()) > 0)
		futex_wait(&never, 0, left);
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

/* Where it returns the process lives: a handler was set since, or a debugger took the signal. */
static void await_death(void)
{
	while (is_dying())
		stand(STEP);
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

/* The flusher thread. */
static void die_after_all(void)
{
	stats_print();
	expect_blow();
	strike(death.sig, death.tid, &death.info);
	/* That thread may have blocked it since. */
	stand(MOMENT);
	strike_here();
}

/* Another signal, while the process dies of the first. False: that did not happen. */
static bool join_in(int sig, const siginfo_t *info)
{
	bool outside = is_from_outside(sig, info);

	if (outside && sinks_held_by_caller() == SINKS_HELD)
		return true; /* the flush waits for this thread */
	if (!outside)
		sinks_abandon();
	await_death();
	return false;
}

static bool put_off(void)
{
	if (!flusher_has_thread())
		return false;
	flusher_end_then(die_after_all);
	return true;
}

static void speak_and_die(int sig, siginfo_t *info, void *context)
{
	bool outside = is_from_outside(sig, info);
	enum sinks_held held = sinks_held_by_caller();

	death.sig = sig;
	death.tid = this_thread();
	death.info = *info;
	if (outside && held == SINKS_HELD && put_off())
		return;
	if (outside && held == SINKS_UNKNOWN && !flusher_flush_now(true, PATIENCE) && put_off())
		return;
	if (!outside || held == SINKS_HELD)
		sinks_abandon();
	flusher_flush_now(true, BOUND);
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

void lastwords_begin_in_child(void)
{
	atomic_store(&death.until_ns, 0);
}

void lastwords_init(uint64_t signals)
{
	guard_init(signals, on_signal);
	platform_at_quick_exit(lastwords_before_end);
}

void lastwords_before_end(void)
{
	void *let_go;
	int kept;

	/* In the middle of exit(3) there may be a thread still. */
	if (!flusher_awake() && !flusher_has_thread())
		return;
	kept = errno;
	if (flusher_is_owner()) {
		let_go = sink_python_let_go();
		await_death();
		sinks_abandon();
		if (sinks_may_hold())
			flusher_flush_now(true, BOUND);
		sink_python_take_back(let_go);
		stats_print();
	}
	errno = kept;
}

/* Also where the calling thread itself has locked a stream, if it is not inside stdio below us. */
static void flush_and_go_on(void)
{
	void *let_go = sink_python_let_go();

	await_death();
	if (sinks_may_hold()) {
		if (sinks_held_by_caller() != SINKS_HELD)
			flusher_flush_now(false, BOUND);
		else if (!platform_is_in_handler())
			sinks_flush_by_caller(false, 0);
	}
	sink_python_take_back(let_go);
}

void lastwords_before_exit(void)
{
	int kept;

	if (!flusher_awake())
		return;
	kept = errno;
	if (flusher_is_owner())
		flush_and_go_on();
	errno = kept;
}

void lastwords_before_exec(void)
{
	int kept;

	if (!flusher_awake())
		return;
	kept = errno;
	if (flusher_is_owner()) {
		flush_and_go_on();
		stats_print();
	}
	errno = kept;
}
