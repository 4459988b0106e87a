/* lastwords.c -- what is pending comes out before the process dies */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the guards. There is no record of which signal has one: the kernel's answer is the state.
 * Called from: signal handlers, host threads about to end the process, vfork children.
 * How a process dies: the guard has the flusher thread flush, then restores the default action and
 * sends itself the same signal with the same siginfo. It is blocked until the guard returns, so it
 * strikes where the first one did: same wait status, same registers and siginfo in the core.
 * Never: stdio here. The interrupted thread may be inside it, which is also why a signal from
 * outside is put off, a few milliseconds, until that thread has left.
 */
#include "lastwords.h"

#include "flusher.h"
#include "futex.h"
#include "next.h"
#include "sink_python.h"
#include "sinks.h"
#include "stats.h"

#define BOUND    (250 * NS_PER_MS)
#define PATIENCE (3 * NS_PER_MS) /* a stream in use longer than that may be in use below us */

/* What a guard hides: these bits it sets for itself, so which of them were set is in its number. */
#define HIDDEN_FLAGS (SA_SIGINFO | SA_ONSTACK | SA_RESTART)
#define RESTORER     0x04000000 /* set by the x86 libcs in every action; never set: a fresh process */
#define FRESH        8          /* the guard of a signal that was never set */

static uint64_t guarded; /* written by the constructor only */

static struct {
	_Atomic uint32_t taken; /* the rest is written once, by who took it */
	int sig, tid;
	siginfo_t info;
} put_off; /* a death that waits until the stream is free */

static void die(int sig, int tid, siginfo_t *info)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	next.sigaction(sig, &standard, NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, sig, info) < 0)
		syscall(SYS_kill, getpid(), sig); /* that thread is gone */
}

static void die_after_all(void)
{
	stats_print();
	die(put_off.sig, put_off.tid, &put_off.info);
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

static void speak_and_die(int sig, siginfo_t *info)
{
	bool outside = is_from_outside(sig, info);
	int tid = (int)syscall(SYS_gettid);

	if (!outside)
		sink_python_give_up(); /* we do not return to let go of its lock */
	if (!flusher_flush_now(!outside, outside ? PATIENCE : BOUND) && outside) {
		if (atomic_exchange(&put_off.taken, 1))
			return; /* dying already */
		put_off.sig = sig;
		put_off.tid = tid;
		put_off.info = *info;
		flusher_then(die_after_all);
		return;
	}
	stats_print();
	die(sig, tid, info);
}

static void on_signal(int sig, siginfo_t *info)
{
	int kept = errno;

	/* For the first process of a pid namespace the kernel ignores default actions. */
	if (getpid() == 1 && !is_fault(sig, info)) {
		flusher_flush_now(false, is_from_outside(sig, info) ? PATIENCE : BOUND);
		sink_python_take_back(NULL);
	} else {
		speak_and_die(sig, info);
	}
	errno = kept;
}

#define GUARDS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define GUARD(n)                                                                                   \
	static void guard_##n(int sig, siginfo_t *info, void *context)                             \
	{                                                                                          \
		__asm__ volatile("" : : "i"(n)); /* nine functions, not nine names of one */       \
		(void)context;                                                                     \
		on_signal(sig, info);                                                              \
	}
GUARDS(GUARD)

static void (*const guards[])(int, siginfo_t *, void *) = {
#define GUARD_NAME(n) guard_##n,
	GUARDS(GUARD_NAME)};

static int guard_number(void (*handler)(int))
{
	for (int n = 0; n < (int)(sizeof(guards) / sizeof(*guards)); n++)
		if (handler == (void (*)(int))(void (*)(void))guards[n])
			return n;
	return -1;
}

bool lastwords_is_guard(void (*handler)(int))
{
	return guard_number(handler) >= 0;
}

bool lastwords_guards(int sig)
{
	return sig > 0 && sig <= 64 && (guarded >> (sig - 1) & 1) && flusher_awake();
}

static void put(struct sigaction *action, int n)
{
	action->sa_sigaction = guards[n];
	action->sa_flags |= HIDDEN_FLAGS;
}

void lastwords_put_guard(struct sigaction *action)
{
	put(action, (action->sa_flags & SA_SIGINFO ? 1 : 0) |
			    (action->sa_flags & SA_ONSTACK ? 2 : 0) |
			    (action->sa_flags & SA_RESTART ? 4 : 0));
}

void lastwords_hide_guard(struct sigaction *action)
{
	int n = guard_number(action->sa_handler);

	if (n < 0)
		return;
	action->sa_handler = SIG_DFL;
	action->sa_flags &= ~HIDDEN_FLAGS;
	if (n == FRESH)
		action->sa_flags &= ~RESTORER;
	else
		action->sa_flags |= (n & 1 ? SA_SIGINFO : 0) | (n & 2 ? SA_ONSTACK : 0) |
				    (n & 4 ? SA_RESTART : 0);
}

void lastwords_init(uint64_t signals)
{
	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction action;

		if (!(signals >> (sig - 1) & 1) || next.sigaction(sig, NULL, &action) < 0 ||
		    action.sa_handler != SIG_DFL)
			continue;
		put(&action, FRESH);
		next.sigaction(sig, &action, NULL);
	}
	guarded = signals;
	platform_at_quick_exit(lastwords_speak);
}

void lastwords_speak(void)
{
	int kept;

	if (!flusher_awake())
		return;
	kept = errno;
	if (flusher_is_owner()) {
		void *let_go = sink_python_let_go();

		if (sinks_may_hold())
			flusher_flush_now(false, BOUND);
		sink_python_take_back(let_go);
		stats_print();
	}
	errno = kept;
}
