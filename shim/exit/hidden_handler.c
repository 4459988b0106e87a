/* hidden_handler.c -- our signal handlers, where the program believes SIG_DFL to be */
/* SPDX-License-Identifier: MIT */
/*
 * A hidden handler needs other flags than the program has set, but the program may ask for its own.
 * So there is one handler function for each combination of flags that we change: which of them is
 * set tells the program's flags. Owns: what the constructor wrote. Called from: anywhere, also
 * vfork children.
 */
#include "exit/hidden_handler.h"

#include "base/next.h"
#include "base/platform.h"
#include "base/thread.h"
#include "flush/flusher.h"

/*
 * SA_SIGINFO: the handler needs the siginfo and the frame. SA_ONSTACK: a stack overflow needs the
 * alternate stack. SA_RESTART: interrupted calls go on if the end is deferred. SA_NODEFER would let
 * the signal interrupt our handler, SA_RESETHAND would remove it.
 */
#define NEEDED   (SA_SIGINFO | SA_ONSTACK | SA_RESTART)
#define UNWANTED ((int)(SA_NODEFER | SA_RESETHAND))
#define RESTORER 0x04000000 /* libcs set it on x86 in every action; not there at the start */

static const int hidden_flags[] = {SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER,
				   (int)SA_RESETHAND};
#define HIDDEN_FLAGS (sizeof(hidden_flags) / sizeof(*hidden_flags))

enum {
	HANDLER_FRESH = 32, /* the disposition was never set: no flags, not even RESTORER */
	HANDLER_BARE,       /* libc has just set it: the kernel has the program's own flags */
};

#define FRAME_MOST   4096 /* of the kernel's frame, if it does not tell (before Linux 5.14) */
#define STACK_NEEDED 4096 /* for our handlers and what they call, with room to spare */

static uint64_t hidden_signals;
static _Atomic bool stack_too_small; /* one of the program's alternate stacks is */
static hidden_handler_callback *on_signal;

#define HANDLER(n)                                                                                 \
	static void handler_##n(int sig, siginfo_t *info, void *context)                           \
	{                                                                                          \
		__asm__ volatile("" : : "i"(n)); /* so that identical functions are not merged */  \
		on_signal(sig, (n) == HANDLER_BARE ? NULL : info, context);                        \
	}
#define EIGHT(X, t) X(t##0) X(t##1) X(t##2) X(t##3) X(t##4) X(t##5) X(t##6) X(t##7)
#define HANDLERS(X) EIGHT(X, 00) EIGHT(X, 01) EIGHT(X, 02) EIGHT(X, 03) X(040) X(041)
HANDLERS(HANDLER) /* numbered in octal: 32 sets of flags, FRESH, BARE */

static hidden_handler_callback *const handlers[] = {
#define HANDLER_NAME(n) handler_##n,
	HANDLERS(HANDLER_NAME)};

static sighandler_t function_of(int n)
{
	return (sighandler_t)(void (*)(void))handlers[n];
}

/* -1: it is not one of ours. */
static int number_of(sighandler_t handler)
{
	for (int n = 0; n < (int)(sizeof(handlers) / sizeof(*handlers)); n++)
		if (handler == function_of(n))
			return n;
	return -1;
}

static int flags_of(int n)
{
	int flags = 0;

	for (size_t i = 0; n < HANDLER_FRESH && i < HIDDEN_FLAGS; i++)
		flags |= n >> i & 1 ? hidden_flags[i] : 0;
	return flags;
}

static void put(struct sigaction *action, int n)
{
	action->sa_handler = function_of(n);
	action->sa_flags = (action->sa_flags & ~UNWANTED) | NEEDED;
	if (atomic_load_explicit(&stack_too_small, memory_order_relaxed))
		action->sa_flags &= ~SA_ONSTACK;
}

bool hidden_handler_is_wanted(int sig)
{
	return sig > 0 && sig <= 64 && (hidden_signals >> (sig - 1) & 1) && flusher_awake();
}

bool hidden_handler_is_set(int sig)
{
	struct sigaction action;

	return next.sigaction && next.sigaction(sig, NULL, &action) == 0 &&
	       number_of(action.sa_handler) >= 0;
}

bool hidden_handler_is_interrupted(const ucontext_t *context)
{
	return number_of((sighandler_t)platform_pc(context)) >= 0;
}

void hidden_handler_put(struct sigaction *action)
{
	int n = 0;

	for (size_t i = 0; i < HIDDEN_FLAGS; i++)
		n |= action->sa_flags & hidden_flags[i] ? 1 << i : 0;
	put(action, n);
}

void hidden_handler_hide(struct sigaction *action)
{
	int n = number_of(action->sa_handler);

	if (n < 0)
		return;
	action->sa_handler = SIG_DFL;
	if (n != HANDLER_BARE)
		action->sa_flags = (action->sa_flags & ~(NEEDED | UNWANTED)) | flags_of(n);
	if (n == HANDLER_FRESH) {
		action->sa_flags &= ~RESTORER;
		if (platform_tells_restorer())
			action->sa_restorer = NULL;
	}
}

sighandler_t hidden_handler_as_seen(sighandler_t handler)
{
	return handler != SIG_ERR && number_of(handler) >= 0 ? SIG_DFL : handler;
}

sighandler_t hidden_handler_for_libc(void)
{
	return function_of(HANDLER_BARE);
}

/* Sets `action`, unless another thread has replaced our handler meanwhile. True: it was ours. */
static bool set_if_ours(int sig, const struct sigaction *action)
{
	struct sigaction old;

	if (next.sigaction(sig, action, &old) < 0)
		return false;
	if (number_of(old.sa_handler) >= 0)
		return true;
	next.sigaction(sig, &old, NULL);
	return false;
}

void hidden_handler_fix_flags(int sig)
{
	struct sigaction action;
	int n;

	if (next.sigaction(sig, NULL, &action) < 0)
		return;
	n = number_of(action.sa_handler);
	if (n < 0)
		return;
	if (n != HANDLER_BARE) /* siginterrupt(3) changed this flag */
		action.sa_flags = (action.sa_flags & SA_RESTART) | (flags_of(n) & ~SA_RESTART) |
				  (action.sa_flags & ~(NEEDED | UNWANTED));
	hidden_handler_put(&action);
	set_if_ours(sig, &action);
}

/* The kernel's frame alone may take more than MINSIGSTKSZ, 2048: AVX-512's state does. */
void hidden_handler_see_stack(const stack_t *stack)
{
	size_t frame = getauxval(AT_MINSIGSTKSZ);

	if (stack->ss_flags & SS_DISABLE ||
	    stack->ss_size >= (frame ? frame : FRAME_MOST) + STACK_NEEDED ||
	    atomic_exchange(&stack_too_small, true))
		return;
	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction action;

		if (!hidden_handler_is_wanted(sig) || next.sigaction(sig, NULL, &action) < 0 ||
		    number_of(action.sa_handler) < 0)
			continue;
		action.sa_flags &= ~SA_ONSTACK;
		set_if_ours(sig, &action);
	}
}

uint64_t hidden_handler_take_back(void)
{
	uint64_t taken = 0;

	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction action;

		if (!(hidden_signals >> (sig - 1) & 1) || next.sigaction(sig, NULL, &action) < 0 ||
		    number_of(action.sa_handler) < 0)
			continue;
		hidden_handler_hide(&action);
		if (set_if_ours(sig, &action))
			taken |= UINT64_C(1) << (sig - 1);
	}
	return taken;
}

void hidden_handler_put_back(uint64_t signals)
{
	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction action;

		/* Fails for the real-time signals that libc keeps for itself. */
		if (!(signals >> (sig - 1) & 1) || next.sigaction(sig, NULL, &action) < 0 ||
		    action.sa_handler != SIG_DFL)
			continue;
		if (action.sa_flags) /* a library before us set it */
			hidden_handler_put(&action);
		else
			put(&action, HANDLER_FRESH);
		next.sigaction(sig, &action, NULL);
	}
}

/*
 * The same with one system call a signal instead of two, which is a tenth of a start: sets the
 * handler, and takes it back where the disposition was not the default. No other thread of the
 * program may be there, and signals are blocked meanwhile: one that is ignored then stays pending
 * until the kernel drops it, when SIG_IGN is back.
 */
static void put_at_once(uint64_t signals)
{
	/* As exec(3) leaves it, in the kernel's form: handler, flags, restorer, mask. */
	const uintptr_t ignored[4] = {(uintptr_t)SIG_IGN, 0, 0, 0};
	const uint64_t all = ~UINT64_C(0);
	uint64_t mask;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(all));
	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction action = {.sa_flags = 0}, old;

		put(&action, HANDLER_FRESH);
		if (!(signals >> (sig - 1) & 1) || next.sigaction(sig, &action, &old) < 0 ||
		    (old.sa_handler == SIG_DFL && !old.sa_flags))
			continue;
		if (old.sa_handler == SIG_IGN && !old.sa_flags) { /* libc would set RESTORER */
			syscall(SYS_rt_sigaction, sig, ignored, NULL, sizeof(mask));
			continue;
		}
		if (old.sa_handler == SIG_DFL) /* a library before us set it */
			hidden_handler_put(&old);
		next.sigaction(sig, &old, NULL);
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

void hidden_handler_init(uint64_t signals, hidden_handler_callback *handler)
{
	on_signal = handler;
	hidden_signals = signals;
	if (thread_is_first(flusher_has_thread()))
		put_at_once(signals);
	else
		hidden_handler_put_back(signals);
}
