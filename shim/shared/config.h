/* config.h -- the environment as one struct; names, defaults and limits of every setting */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CONFIG_H
#define IDLEFLUSH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When the flusher thread starts (IDLEFLUSH_START). */
enum config_start {
	CONFIG_START_CONSTRUCTOR, /* before main */
	CONFIG_START_SERVER,      /* at the first accept, wait or response */
	CONFIG_START_THREADS,     /* with the program's own first thread: never if it has none */
	CONFIG_START_NEVER,       /* not a setting: the program does not tolerate a second thread */
};

/* Language runtimes whose buffers are flushed (IDLEFLUSH_RUNTIMES). */
enum config_runtime {
	CONFIG_RUNTIME_CXX = 1,
	CONFIG_RUNTIME_PERL = 2,
	CONFIG_RUNTIME_OCAML = 4,
	CONFIG_RUNTIME_PYTHON = 8,
};

/*
 * All settings of one process. Strings point into the environment (library) or argv (launcher)
 * and are never changed or freed. Times are nanoseconds of CLOCK_MONOTONIC.
 */
struct config {
	int64_t idle_ns;         /* quiet time before a flush */
	int64_t max_age_ns;      /* bound under steady traffic; 0: none */
	int64_t heartbeat_ns;    /* the safety net; 0: off */
	size_t buffer;           /* stdout's buffer in bytes; 0: libc's own */
	bool buffer_is_given;    /* it is not the default */
	uint64_t signals;        /* last words: bit (1 << (N - 1)) for signal N; 0: none */
	uint64_t runtimes;       /* enum config_runtime bits: whose buffers are flushed */
	enum config_start start; /* when the thread starts */
	const char *files;       /* comma-separated globs of log files, or NULL: none */
	const char *only;        /* comma-separated globs of program names, or NULL: all */
	bool stats;              /* one line of counters at exit */
	const char *stats_file;  /* where to; NULL: stderr */
	bool debug;              /* say on stderr what is decided */
	bool disable;            /* asleep */
};

/* How a value is written. No spaces, signs or exponents. Case matters only in `libc` and START. */
enum config_form {
	CONFIG_TIME,     /* as GNU sleep, and ms, us: 0.5, .5, 5ms, 1s, 2m, 1h, 1d; to 1 ns */
	CONFIG_BUFFER,   /* as GNU stdbuf: 4096, 64K (or 64k, 64KiB), 64KB, and so M, G; libc: 0 */
	CONFIG_SIGNALS,  /* names with or without SIG, or numbers, by commas; all; none */
	CONFIG_START,    /* constructor, server or threads */
	CONFIG_RUNTIMES, /* names by commas; all; none */
	CONFIG_LIST,     /* globs by commas, none of them empty; a comma cannot be part of one */
	CONFIG_SWITCH,   /* 1, true, yes, on; 0, false, no, off */
	CONFIG_OUTPUT,   /* as a switch, on: to stderr; else a file's path */
};

/*
 * One setting. The library reads `env`, the launcher takes `option` (and `letter`, or 0) and
 * exports `env` once `config_set` has accepted the value. `option` is NULL if there is none.
 */
struct config_setting {
	const char *env;
	const char *option;
	char letter;
	const char *argument; /* TIME, SIZE, LIST ...; NULL: takes none, "1" is exported */
	bool optional;        /* the argument may be left out, "1" is exported then */
	const char *fallback; /* the default, as a user would write it; NULL: unset */
	const char *allowed;  /* for an error message */
	const char *help;     /* for --help, without the fallback */
	enum config_form form;

	/* config.c's own */
	size_t field;     /* where in struct config the value goes */
	int64_t min, max; /* in nanoseconds or bytes */
	bool zero;        /* 0 is allowed as well */
};

/* The settings in the order of --help, ended by one whose env is NULL. */
extern const struct config_setting config_settings[];

/* Fills in every default. Pure; any context. */
void config_init(struct config *config);

/*
 * Parses `value` for `setting` into `config`. Returns 0, or -EINVAL (not of the setting's form) or
 * -ERANGE (past its limits); `config` is unchanged then. Pure: no locale, no allocation, no errno.
 */
int config_set(struct config *config, const struct config_setting *setting, const char *value);

/* A setting in the environment that has no effect. */
struct config_complaint {
	const char *env, *value;
	const char *says;    /* the rest of a sentence that begins with name and value */
	const char *allowed; /* what a value may be, as the end of that sentence, or NULL */
};

/*
 * Fills `config` from the environment: defaults first, then each variable that is set and not
 * empty. A bad value is replaced by the default. Unless NULL, `complain` is called for each bad
 * value, for each setting without effect, and for each unknown name. Constructor only (it calls
 * getenv).
 */
void config_read(struct config *config, void (*complain)(const struct config_complaint *));

/*
 * Does `name` match one of the comma-separated globs of `list` (fnmatch(3), no flags)? An item
 * without a slash is matched against the last component of `name`. NULL list: false.
 * Not for signal handlers (fnmatch may allocate).
 */
bool config_match(const char *list, const char *name);

#endif
