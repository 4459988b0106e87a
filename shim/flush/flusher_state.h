/* flusher_state.h -- asleep or awake, armed or not: the state that wrappers and thread share */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSHER_STATE_H
#define IDLEFLUSH_FLUSHER_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/platform.h"
#include "shared/config.h"
#include "shared/introspect.h"

enum flusher_wait_state {
	WAIT_STATE_RUNNING, /* running, or about to: it needs no wake-up */
	WAIT_STATE_TIMED,   /* in a timed wait, which only a request ends early */
	WAIT_STATE_PARKED,  /* nothing is armed: whoever arms must wake it */
};

/*
 * One page that the kernel wipes in a forked child. Every send, receive and wait reads the first
 * cache line. "The thread" is the flusher thread.
 */
struct flusher {
	_Atomic uint32_t mode;             /* enum flusher_mode */
	_Atomic uint32_t wait_state;       /* enum flusher_wait_state; the thread's futex */
	_Atomic int64_t armed_since_ns;    /* first activity since the last pass; 0: not armed */
	_Atomic uint32_t active;           /* activities the thread has not seen: 0, 1, 2 or more */
	_Atomic int64_t first_activity_ns; /* when the first of `active` was */
	_Atomic uint32_t waits_follow;     /* passes at waits since the thread last found bytes */
	_Atomic uint32_t skip;     /* how many waits before the next pass need not read the clock */
	uint32_t skipped;          /* `skip` when the clock was last read; a hint */
	_Atomic uint32_t answered; /* a response was completed since the last wait */
	int64_t window_ns; /* start of the window in which waits are counted; a hint, as the next */
	int64_t window_waits;
	_Atomic int64_t next_pass_ns; /* when the next pass at a wait is expected; wait_flush.c */
	_Atomic int64_t last_wait_ns; /* the last wait with pending bytes that read the clock */
	_Atomic bool left_once;       /* a pass that was due was left to the next wait */

	_Alignas(64) _Atomic bool started; /* the thread was started, or is about to be */
	_Atomic bool asked;     /* the main thread is about to wait, and wants a pass then */
	_Atomic bool main_ends; /* the main thread ends, and the others go on */
	_Atomic bool exiting;   /* our destructor has begun: no thread starts any more */
	bool cannot_start;      /* it ran, but cannot be started again */
	bool inherited_pending; /* in a forked child: bytes of its parent may be pending */
	pid_t owner;
	pid_t tid;                /* of the thread, which writes it */
	int64_t last_activity_ns; /* the last one that the thread has seen; it writes it */
};

/* Never NULL. All zero in a forked child, after a raw clone(2) too: asleep. */
HIDDEN extern struct flusher *flusher;

/* What is to be done when a wait of the program returns. */
enum flusher_return {
	RETURN_ENDS_STRETCH = 1, /* the heartbeat is slower, as the process was idle */
	RETURN_TAKES_BACK = 2,   /* a waiting thread may have lent its buffer (own_buffer.h) */
	RETURN_IS_NOTED = 4,     /* none has returned since the last heartbeat */
};
HIDDEN extern _Atomic uint32_t flusher_returns;

/* The settings that decide; constant after flusher_state_init(). */
struct flusher_rules {
	int64_t idle_ns, max_age_ns, heartbeat_ns;
	enum config_start start;
};
HIDDEN extern struct flusher_rules flusher_rules;

/* Is the library awake in this process? One load; any context. */
static inline bool flusher_awake(void)
{
	return atomic_load_explicit(&flusher->mode, memory_order_relaxed) != FLUSHER_ASLEEP;
}

/* Does the thread run? One load; any context. */
static inline bool flusher_is_running(void)
{
	return atomic_load_explicit(&flusher->mode, memory_order_relaxed) == FLUSHER_RUNNING;
}

/*
 * To be called after each change of `mode`: keeps WAIT_CHECK_FLUSHER. It is off while the thread
 * runs, and where none is wanted before the program has one of its own: then a wait without pending
 * bytes has nothing to start. Any context.
 */
void flusher_mode_changed(void);

/* Is there no thread yet, so that nobody else would flush? Any context. */
static inline bool flusher_not_started(void)
{
	return atomic_load_explicit(&flusher->mode, memory_order_relaxed) == FLUSHER_WANTED;
}

/* Will the thread make a pass soon, whatever happens until then? Any context. */
static inline bool flusher_is_armed(void)
{
	return atomic_load_explicit(&flusher->armed_since_ns, memory_order_relaxed) != 0;
}

#define FLUSHER_SKIP_MOST 63 /* so many waits in a row need not read the clock, at most */

/* Did a wait read the clock so recently that this one need not? Any context. */
static inline bool flusher_skips_wait(void)
{
	uint32_t skip = atomic_load_explicit(&flusher->skip, memory_order_relaxed);

	if (!skip)
		return false;
	atomic_store_explicit(&flusher->skip, skip - 1, memory_order_relaxed);
	return true;
}

/* Were there at least two activities that the thread has not seen? Any context. */
static inline bool flusher_is_active(void)
{
	return atomic_load_explicit(&flusher->active, memory_order_relaxed) > 1;
}

/* Is a pass scheduled, and does the thread know already that activity goes on? Any context. */
static inline bool flusher_is_busy(void)
{
	return flusher_is_armed() && flusher_is_active();
}

/*
 * Is this the process that owns the state, and not a vfork child? One system call; any context,
 * errno is kept.
 */
static inline bool flusher_is_owner(void)
{
	return flusher->owner == (pid_t)syscall(SYS_getpid);
}

/*
 * Do the pending bytes belong to this process? In a child that was forked inside stdio they may be
 * those of its parent, which flushes them itself, until libc has written them all. Any context.
 */
bool flusher_owns_bytes(void);

/* How long a line without its end is kept back; 0 if nobody would flush it later. Any context. */
int64_t flusher_hold_ns(void);

/*
 * A response was completed: schedules a pass in `idle`, unless that can be left to the wait that
 * follows. Async-signal-safe, as the next two; errno is kept.
 */
void flusher_arm(void);

/* A part of a response was sent: the same, so that max-age counts from now, but no activity. */
void flusher_arm_in_flight(void);

/* A thread is about to wait, and leaves the pending bytes to the flusher thread. */
void flusher_arm_at_wait(void);

/* The same if there is no thread: only notes that bytes are pending since `now_ns`. */
void flusher_note_pending(int64_t now_ns);

/*
 * The main thread, the only one of the program, is about to wait, and cannot flush there: the
 * flusher thread, which has a descriptor table of its own, will do so as soon as it sleeps.
 * Async-signal-safe; errno is kept.
 */
void flusher_ask_for_pass(int64_t now_ns);

/* The calling thread made a pass at a wait, which wrote everything that was pending. */
void flusher_passed_at_wait(void);

/* Was a response completed since the last call? Any context. */
static inline bool flusher_was_answered(void)
{
	return atomic_load_explicit(&flusher->answered, memory_order_relaxed) &&
	       atomic_exchange_explicit(&flusher->answered, 0, memory_order_relaxed);
}

/* The bytes of a wait were flushed before anything else happened. Any context. */
void flusher_trust_waits(void);

/* Have the latest lines all been flushed at waits? Any context. */
bool flusher_waits_follow(void);

/* Wakes the thread, whatever it waits for. Async-signal-safe; errno may change. */
void flusher_wake(void);

/*
 * A wait of the program has returned: a heartbeat that was made slower while nothing ran goes back
 * to its setting, and the thread takes back the buffer that it has lent. errno is kept; any
 * context.
 */
void flusher_wait_returned_slow_path(void);

static inline void flusher_wait_returned(void)
{
	if (UNLIKELY(atomic_load_explicit(&flusher_returns, memory_order_relaxed)))
		flusher_wait_returned_slow_path();
}

/* Creates the page. Returns 0 or a negative errno; then we stay asleep. Constructor only. */
int flusher_state_init(const struct config *config);

/* Begins anew in a forked child, without a thread. Atfork child handler only. */
void flusher_state_begin_in_child(bool inherited_pending);

#endif
