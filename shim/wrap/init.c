/* init.c -- constructor and destructor: the order of start and stop */
/* SPDX-License-Identifier: MIT */
/*
 * If anything is missing the library stays asleep, and says why under --debug. Nothing here ends
 * the program, or prints without being asked to.
 */
#include "shared/config.h"
#include "flush/flusher.h"
#include "wrap/atfork.h"
#include "wrap/only.h"
#include "wrap/read_try.h"
#include "exit/last_words.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/next.h"
#include "base/platform.h"
#include "sink/sink.h"
#include "runtime/all_runtimes.h"
#include "runtime/python/python.h"
#include "flush/stats.h"
#include "base/decision.h"
#include "sink/extra_streams.h"
#include "sink/stdio_lock.h"
#include "sink/wait_checks.h"

#include <sys/syscall.h>

static void complain(const struct config_complaint *complaint)
{
	struct log_line line;

	log_begin(&line);
	log_text(&line, complaint->env);
	if (complaint->value) {
		log_text(&line, "=");
		log_text(&line, complaint->value);
	}
	log_text(&line, complaint->says);
	if (complaint->allowed)
		log_text(&line, complaint->allowed);
	log_send(&line, STDERR_FILENO);
}

static void read_config(struct config *config)
{
	config_read(config, NULL);
	if (config->debug || config->stats)
		log_use_stderr();
	log_set_debug(config->debug);
	if (!config->debug)
		return;
	wait_checks_add(WAIT_CHECK_DEBUG);
	config_read(config, complain);
}

/* NULL: stay awake. Otherwise the reason, in a few words. */
static const char *reason_to_sleep(const struct config *config)
{
	if (getauxval(AT_SECURE))
		return "set-id program: asleep";
	if (config->disable)
		return "IDLEFLUSH_DISABLE: asleep";
	if (config->only && !only_names_us(config->only))
		return "not named by IDLEFLUSH_ONLY: asleep";
	if (config->start == CONFIG_START_NEVER && !platform_stdio_visible())
		return "the program writes to stdio without locks: asleep"; /* and we cannot look */
	return NULL;
}

/* A terminal needs no flush, so there the thread starts only when the program serves. */
static bool starts_now(const struct config *config)
{
	return config->start == CONFIG_START_CONSTRUCTOR && std_streams_can_flush();
}

/*
 * If the program takes no locks, only the thread that writes knows when a buffer is consistent. So
 * there is no thread of ours, no flush in a signal handler, and its children are left alone.
 */
static bool begin(const struct config *config)
{
	if (config->start == CONFIG_START_NEVER)
		return true;
	if (atfork_init())
		return false;
	if (starts_now(config))
		flusher_start();
	if (flusher_awake())
		last_words_init(config->signals);
	return true;
}

static const char *decision_of(const struct config *config)
{
	return config->start == CONFIG_START_NEVER
		       ? "awake, at waits only: the program writes to stdio without locks"
		       : "awake";
}

__attribute__((constructor)) static void start(void)
{
	struct config config;
	const char *reason;
	int saved_errno;

	if (!platform_usable()) {
		next_resolve(); /* asleep, but the program's calls still pass through ours */
		decision_set("there is no libc that has all we need: asleep");
		return;
	}
	saved_errno = errno;
	next_resolve();
	clock_init();
	read_try_init();
	read_config(&config);
	if (stdio_lock_is_bypassed())
		config.start = CONFIG_START_NEVER;
	reason = reason_to_sleep(&config);
	if (!reason) {
		stats_init(&config);
		std_streams_init();
		extra_streams_init(config.files);
		python_init(config.start == CONFIG_START_CONSTRUCTOR ? flusher_start_wanted : NULL);
		all_runtimes_find(config.runtimes);
		std_streams_want_buffer(config.buffer);
		if (flusher_init(&config) || !begin(&config))
			reason = "out of memory: asleep";
	}
	if (reason || flusher_awake())
		decision_set(reason ? reason : decision_of(&config));
	errno = saved_errno;
}

__attribute__((destructor)) static void stop(void)
{
	/* Asleep, there may be a filter that refuses a system call. */
	if (!platform_usable() || (flusher_awake() && !flusher_is_owner()))
		return;
	if (flusher_end())
		stats_print();
}
