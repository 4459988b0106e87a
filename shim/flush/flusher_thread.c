/* flusher_thread.c -- what the flusher thread does until it is stopped */
/* SPDX-License-Identifier: MIT */
/*
 * The thread is the safety net: most lines are flushed at the program's own waits (wait_flush.c).
 * It flushes what one thread prints while another sleeps, what a computing loop prints, the end of
 * a burst, and what a stalled reader held up; and it serves requests. Never: a wait without a bound
 * while something is pending, the host's signal handlers.
 */
#include "flush/flusher.h"

#include "base/fd_table.h"
#include "base/futex.h"
#include "base/thread.h"
#include "conn/conn.h"
#include "flush/flush_request.h"
#include "flush/pass.h"
#include "flush/quiet.h"
#include "runtime/all_runtimes.h"
#include "runtime/python/python.h"
#include "sink/sink.h"

#define EXIT_BOUND     (50 * NS_PER_MS)  /* for the flush at exit, after which libc flushes */
#define DEATH_BOUND    (150 * NS_PER_MS) /* for the flush before a process dies */
#define TIMED_WAIT_MIN (10 * NS_PER_MS)
#define ASKED_STEP     (NS_PER_MS / 20)
#define ASKED_STEPS    8
#define ALONE_FIRST    NS_PER_MS /* to look whether other threads are left: first, and at most */
#define ALONE_MOST     (64 * NS_PER_MS)
#define STRETCH_MOST   64
#define IDLE_CPU_NS    (NS_PER_MS / 10) /* less between two heartbeats: nothing ran */

/*
 * To be called before a pass, not after it: activity during the pass arms the next one. The waits
 * that follow a pass read the clock again, or lone lines after a burst would be left to the thread.
 */
static int64_t disarm(void)
{
	int64_t since = atomic_exchange(&flusher->armed_since_ns, 0);

	atomic_store_explicit(&flusher->skip, 0, memory_order_relaxed);
	return since;
}

/*
 * While the process is busy the thread wakes up by itself, this often. Activity then wakes nobody,
 * and only the first response after a pass reads the clock. The waits of a busy server flush more
 * often than that.
 */
static int64_t timed_wait_max_ns(void)
{
	int64_t idle = flusher_rules.idle_ns, bound = 2 * idle;
	int64_t most = idle / 4 > TIMED_WAIT_MIN ? idle / 4 : TIMED_WAIT_MIN;

	if (flusher_rules.max_age_ns && flusher_rules.max_age_ns < bound)
		bound = flusher_rules.max_age_ns;
	return most < bound ? most : bound;
}

/* Sleeps until a pass is due, a request is made or, where nothing is armed, there is activity. */
static void sleep_until_due(int64_t wait_ns, bool busy)
{
	uint32_t wait_state = busy ? WAIT_STATE_TIMED : WAIT_STATE_PARKED;
	int64_t most = timed_wait_max_ns();

	if (busy && wait_ns > most + most / 8) /* a short remainder is not worth a second wait */
		wait_ns = most;
	atomic_store(&flusher->wait_state, wait_state);
	if (!flush_request_is_made() && !atomic_load(&flusher->asked) &&
	    (busy || !flusher_is_armed()))
		futex_wait(&flusher->wait_state, wait_state, wait_ns);
	atomic_store(&flusher->wait_state, WAIT_STATE_RUNNING);
}

/* True if the thread was asked to stop. */
static bool serve_requests(void)
{
	uint32_t requests, ticket;
	bool dying;

	if (!flush_request_is_made())
		return false;
	requests = flush_request_take(&ticket);
	dying = requests & FLUSH_REQUEST_END;
	pass_until_empty(disarm(),
			 !dying && requests & FLUSH_REQUEST_STOP ? EXIT_BOUND : DEATH_BOUND, dying);
	if (!(requests & ~FLUSH_REQUEST_FLUSH))
		python_take_back(NULL); /* the process goes on */
	flush_request_answer(requests, ticket);
	return requests & FLUSH_REQUEST_STOP;
}

/* If there were several activities since the last pass, the latest may have been just now. */
static void note_activity(int64_t now)
{
	uint32_t active = atomic_exchange_explicit(&flusher->active, 0, memory_order_acquire);

	if (active)
		flusher->last_activity_ns =
			active == 1 ? atomic_load(&flusher->first_activity_ns) : now;
}

/* CPU time that all other threads of the process have used. */
static int64_t program_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Has a wait of the program returned since the last heartbeat? */
static bool any_wait_returned(void)
{
	return !(atomic_fetch_or(&flusher_returns, RETURN_IS_NOTED) & RETURN_IS_NOTED);
}

/* What the thread knows of heartbeats. */
struct heartbeat {
	int64_t stretch; /* how many times the setting is the time until the next one */
	int64_t ran_ns;  /* what the program had run before the last one without a wait */
	bool came_late;  /* one that was stretched has found bytes */
};

/*
 * No wait has returned since the last heartbeat. If nothing has run either, there is nothing to
 * find: the next one comes after twice the time, up to STRETCH_MOST times the setting, until
 * flusher_wait_returned(). Not if the program prints after waits that we do not see, as for another
 * thread. Nor if the main thread has ended: the heartbeat then finds that the others have, too, and
 * the process must end with them.
 */
static void stretch_heartbeat(struct heartbeat *heartbeat, bool found)
{
	int64_t ran = program_cpu_ns();
	bool idle = ran - heartbeat->ran_ns < IDLE_CPU_NS;

	heartbeat->ran_ns = ran;
	if (found && heartbeat->stretch > 1)
		heartbeat->came_late = true;
	if (!idle || heartbeat->came_late || thread_main_has_ended()) {
		heartbeat->stretch = 1;
		return;
	}
	if (heartbeat->stretch < STRETCH_MOST)
		heartbeat->stretch *= 2;
	atomic_fetch_or(&flusher_returns, RETURN_ENDS_STRETCH);
}

/* If a wait follows each response, the next one most likely flushes before the thread must. */
static int64_t idle_ns(void)
{
	int64_t most = timed_wait_max_ns();

	return flusher_waits_follow() && most > flusher_rules.idle_ns ? most
								      : flusher_rules.idle_ns;
}

/* How long until a pass is due; 0: now. */
static int64_t wait_ns(int64_t now, int64_t armed_since_ns, int64_t heartbeat_ns)
{
	const struct quiet_rules rules = {.idle_ns = idle_ns(),
					  .max_age_ns = flusher_rules.max_age_ns,
					  .heartbeat_ns = heartbeat_ns};
	const int64_t quiet_ns = now - flusher->last_activity_ns;
	const int64_t longest =
		rules.idle_ns + (rules.max_age_ns ? rules.max_age_ns : rules.idle_ns);
	int64_t wait;
	struct quiet_state seen = {.armed_since_ns = armed_since_ns,
				   .last_ns = flusher->last_activity_ns,
				   .last_pass_ns = pass_last_ns(),
				   .retry_ns = pass_retry_ns()};

	/* Asked only if it matters, and not for ever: some request may never be answered. */
	seen.in_flight = armed_since_ns && quiet_ns >= rules.idle_ns && quiet_ns < longest &&
			 conn_any_in_flight();
	wait = quiet_wait_ns(&rules, &seen, now);
	/* A flush at a wait delays the heartbeat: no second wake-up for the little that is left. */
	return !armed_since_ns && !seen.retry_ns && wait < heartbeat_ns / 8 ? 0 : wait;
}

/* `heartbeat`: nothing had armed it. True: it found bytes, which no wait had followed. */
static bool make_pass(bool heartbeat)
{
	bool found = false;

	if (!flusher_owns_bytes())
		disarm();
	else
		found = pass_run(SINK_WHOLE_LINES, heartbeat ? 0 : disarm(), flusher_hold_ns());
	if (found && (heartbeat || !flusher_waits_follow()))
		atomic_store_explicit(&flusher->waits_follow, 0, memory_order_relaxed);
	return found;
}

/*
 * The main thread asked for a pass at its wait. Not before it sleeps: whoever reads the line may
 * answer with a signal, and if its handler ran before the wait, the wait would miss it. If that
 * takes too long, the pass comes in time, like any other.
 */
static void serve_main_thread(void)
{
	for (int i = 0; !thread_main_sleeps(); i++) {
		if (i == ASKED_STEPS)
			return;
		futex_sleep(ASKED_STEP);
	}
	if (flusher_owns_bytes() && pass_run(SINK_WHOLE_LINES, disarm(), flusher_hold_ns())) {
		library_status.at_waits++;
		flusher_trust_waits();
	}
}

/*
 * A separate descriptor table pays off while the program has one thread. libc's own flush and
 * Python need the program's table. The program may make a thread meanwhile: either we see that, or
 * it sees what was announced, and waits for this thread to end (flusher_share_table).
 */
static void leave_table(void)
{
	if (flusher_rules.start != CONFIG_START_CONSTRUCTOR || fd_table_is_needed() ||
	    !platform_stdio_visible() || all_runtimes_any() || !std_streams_are_piped() ||
	    fd_table_is_filtered())
		return;
	fd_table_announce();
	atomic_thread_fence(memory_order_seq_cst);
	if (thread_any_made())
		fd_table_reset();
	else
		fd_table_leave();
}

/*
 * Ends this thread, so that a thread of the program starts another one, which shares its table.
 * The table is given up last: whoever finds it unused can start the other one.
 */
static void make_room_for_another(void)
{
	uint32_t running = FLUSHER_RUNNING, starting = FLUSHER_STARTING;

	flush_request_end();
	atomic_store(&flusher->started, false);
	if (!atomic_compare_exchange_strong(&flusher->mode, &running, FLUSHER_WANTED))
		atomic_compare_exchange_strong(&flusher->mode, &starting, FLUSHER_WANTED);
	flusher_mode_changed();
	fd_table_reset();
}

void *flusher_thread_run(void *unused)
{
	struct heartbeat heartbeat = {.stretch = 1};
	int64_t alone_ns = ALONE_FIRST;

	syscall(SYS_prctl, PR_SET_NAME, "idleflush");
	flusher->tid = (pid_t)syscall(SYS_gettid);
	leave_table();
	python_start();
	while (!serve_requests()) {
		int64_t now = clock_now_ns();
		int64_t first = atomic_load(&flusher->armed_since_ns);
		int64_t wait;
		bool by_heartbeat, ran, found;

		if (fd_table_is_needed() && fd_table_is_own()) {
			make_room_for_another();
			return unused;
		}
		if (atomic_exchange(&flusher->asked, false) && fd_table_is_own()) {
			serve_main_thread();
			continue;
		}
		note_activity(now);
		if (!(atomic_load(&flusher_returns) & RETURN_ENDS_STRETCH))
			heartbeat.stretch = 1;
		wait = wait_ns(now, first, heartbeat.stretch * flusher_rules.heartbeat_ns);
		if (atomic_load(&flusher->main_ends)) {
			if (!first && python_end_if_alone())
				break;
			wait = wait < alone_ns ? wait : alone_ns;
			alone_ns = alone_ns < ALONE_MOST ? 2 * alone_ns : ALONE_MOST;
		}
		if (wait) {
			sleep_until_due(wait,
					first || flusher->last_activity_ns + flusher_rules.idle_ns >
							 now);
			continue;
		}
		by_heartbeat = !first && !pass_retry_ns();
		ran = by_heartbeat && any_wait_returned();
		if (!first && !ran && python_end_if_alone())
			break;
		found = make_pass(by_heartbeat);
		if (ran)
			heartbeat.stretch = 1;
		else if (by_heartbeat)
			stretch_heartbeat(&heartbeat, found);
	}
	flush_request_end();
	return unused;
}
