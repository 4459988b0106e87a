/* config.c -- the settings: one table, and the strict reading of their values */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: the library's constructor; the launcher.
 * Never: the locale, errno, allocation. That rules strtod, strtoull and strcasecmp out.
 */
#include "shared/config.h"

#include "shared/config_value.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Weak, as all that the library needs of a libc: see base/platform.h. */
#pragma weak environ
#pragma weak fnmatch
#pragma weak getenv

#define PREFIX   "IDLEFLUSH_"
#define ITEM_MAX 4096 /* a glob, with its NUL: PATH_MAX */

static const struct config_word runtimes[] = {{"C++", CONFIG_RUNTIME_CXX},
					      {"PERL", CONFIG_RUNTIME_PERL},
					      {"OCAML", CONFIG_RUNTIME_OCAML},
					      {"PYTHON", CONFIG_RUNTIME_PYTHON},
					      {NULL, 0}};

static int parse_start(const char *value, enum config_start *start)
{
	static const char *const words[] = {[CONFIG_START_CONSTRUCTOR] = "constructor",
					    [CONFIG_START_SERVER] = "server",
					    [CONFIG_START_THREADS] = "threads"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(value, words[i])) {
			*start = (enum config_start)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_list(const char *value, const char **list)
{
	const char *item = value;

	do {
		if (!config_value_item(item))
			return -EINVAL;
		item += config_value_item(item);
	} while (*item++);
	*list = value;
	return 0;
}

static int parse_stats(const char *value, struct config *config)
{
	bool path = config_value_switch(value, &config->stats) != 0;

	config->stats = config->stats || path;
	config->stats_file = path ? value : NULL;
	return 0;
}

#define SWITCH      "1, true, yes, on, 0, false, no or off"
#define FIELD(name) offsetof(struct config, name)

/* env, option, letter, argument, optional, fallback, allowed, help, form */
const struct config_setting config_settings[] = {
	{"IDLEFLUSH_IDLE", "idle", 'i', "TIME", false, "5ms", "100us to 1h",
	 "quiet time before a flush", CONFIG_TIME, .field = FIELD(idle_ns), .min = 100 * US_NS,
	 .max = HOUR_NS},
	{"IDLEFLUSH_MAX_AGE", "max-age", 'm', "TIME", false, "10ms", "0, or 100us to 1h",
	 "bound under steady traffic; 0: no bound", CONFIG_TIME, .field = FIELD(max_age_ns),
	 .min = 100 * US_NS, .max = HOUR_NS, .zero = true},
	{"IDLEFLUSH_HEARTBEAT", "heartbeat", 0, "TIME", false, "1s", "0, or 10ms to 1d",
	 "flush this often in any case; 0: never", CONFIG_TIME, .field = FIELD(heartbeat_ns),
	 .min = 10 * MS_NS, .max = DAY_NS, .zero = true},
	{"IDLEFLUSH_BUFFER", "buffer", 'b', "SIZE", false, "64K", "libc, or 1 to 1G",
	 "size of stdout's buffer; libc: its own", CONFIG_BUFFER, .field = FIELD(buffer), .min = 1,
	 .max = 1 << 30},
	{"IDLEFLUSH_SIGNALS", "signals", 0, "LIST", false, "all",
	 "all, none, or a list of signals that end a process and can be caught",
	 "flush before dying of these", CONFIG_SIGNALS, .field = FIELD(signals)},
	{"IDLEFLUSH_START", "start", 0, "WHEN", false, "constructor",
	 "constructor, server or threads", "start before main, once it serves, or with threads",
	 CONFIG_START, .field = FIELD(start)},
	{"IDLEFLUSH_RUNTIMES", "runtimes", 0, "LIST", false, "c++,perl,ocaml,python",
	 "all, none, or some of c++,perl,ocaml,python", "flush these languages' own buffers, too",
	 CONFIG_RUNTIMES, .field = FIELD(runtimes)},
	{"IDLEFLUSH_FILES", "files", 0, "GLOB[,GLOB...]", false, NULL, "globs, separated by commas",
	 "keep these log files fresh too; default: none", CONFIG_LIST, .field = FIELD(files)},
	{"IDLEFLUSH_ONLY", "only", 0, "NAME[,NAME...]", false, NULL, "globs, separated by commas",
	 "act only in programs so named; default: in all", CONFIG_LIST, .field = FIELD(only)},
	{"IDLEFLUSH_STATS", "stats", 0, "FILE", true, NULL, "1, 0 or a path",
	 "a line of counters at exit, to stderr or FILE", CONFIG_OUTPUT, .field = FIELD(stats)},
	{"IDLEFLUSH_DEBUG", "debug", 0, NULL, false, NULL, SWITCH, "say on stderr what is decided",
	 CONFIG_SWITCH, .field = FIELD(debug)},
	{"IDLEFLUSH_DISABLE", NULL, 0, NULL, false, NULL, SWITCH, "1: asleep", CONFIG_SWITCH,
	 .field = FIELD(disable)},
	{.env = NULL},
};

static bool is_within(const struct config_setting *setting, int64_t number)
{
	return (number >= setting->min && number <= setting->max) || (setting->zero && !number);
}

static int parse_time(const struct config_setting *setting, const char *value, int64_t *ns)
{
	int64_t number;
	int error = config_value_time(value, &number);

	if (error || !is_within(setting, number))
		return error ? error : -ERANGE;
	*ns = number;
	return 0;
}

static int parse_buffer(const struct config_setting *setting, const char *value,
			struct config *config)
{
	int64_t size = 0;
	int error = strcmp(value, "libc") ? config_value_size(value, &size) : 0;

	if (error || (strcmp(value, "libc") && !is_within(setting, size)))
		return error ? error : -ERANGE;
	config->buffer = (size_t)size;
	config->buffer_is_given = true;
	return 0;
}

int config_set(struct config *config, const struct config_setting *setting, const char *value)
{
	void *field = (char *)config + setting->field;

	if (!*value)
		return -EINVAL;
	switch (setting->form) {
	case CONFIG_TIME:
		return parse_time(setting, value, field);
	case CONFIG_BUFFER:
		return parse_buffer(setting, value, config);
	case CONFIG_SIGNALS:
		return config_value_signals(value, field);
	case CONFIG_START:
		return parse_start(value, field);
	case CONFIG_RUNTIMES:
		return config_value_words(value, runtimes, field);
	case CONFIG_LIST:
		return parse_list(value, field);
	case CONFIG_OUTPUT:
		return parse_stats(value, config);
	case CONFIG_SWITCH:
		break;
	}
	return config_value_switch(value, field);
}

void config_init(struct config *config)
{
	*config = (struct config){0};
	for (const struct config_setting *setting = config_settings; setting->env; setting++)
		if (setting->fallback)
			config_set(config, setting, setting->fallback);
	config->buffer_is_given = false;
}

static const struct config_setting *find_setting(const char *name, size_t length)
{
	const struct config_setting *setting = config_settings;

	while (setting->env && (strncmp(setting->env, name, length) || setting->env[length]))
		setting++;
	return setting->env ? setting : NULL;
}

/* Is this "NAME=VALUE" of the environment named like a setting? */
static bool is_ours(const char *entry)
{
	return !strncmp(entry, PREFIX, sizeof(PREFIX) - 1);
}

static void complain_of_names(void (*complain)(const struct config_complaint *))
{
	for (char **at = &environ ? environ : NULL; at && *at; at++) {
		struct config_complaint complaint = {.env = *at,
						     .says = ": there is no such setting"};
		const char *equals = strchr(*at, '=');

		if (equals && is_ours(*at) && !find_setting(*at, (size_t)(equals - *at)))
			complain(&complaint);
	}
}

static void complain_of_idle(const struct config *config,
			     void (*complain)(const struct config_complaint *))
{
	struct config_complaint complaint = {
		.env = "IDLEFLUSH_IDLE",
		.value = getenv("IDLEFLUSH_IDLE"),
		.says = " has no effect: IDLEFLUSH_MAX_AGE is shorter"};

	if (complaint.value && config->max_age_ns && config->idle_ns > config->max_age_ns)
		complain(&complaint);
}

/* Mostly there is none, and one pass is cheaper than a getenv for each. */
static bool is_any_given(void)
{
	char **at = &environ ? environ : NULL;

	while (at && *at && !is_ours(*at))
		at++;
	return at && *at;
}

void config_read(struct config *config, void (*complain)(const struct config_complaint *))
{
	config_init(config);
	if (!is_any_given())
		return;
	for (const struct config_setting *setting = config_settings; setting->env; setting++) {
		const char *value = getenv(setting->env);
		struct config_complaint complaint = {.env = setting->env,
						     .value = value,
						     .says = " means the default: it is not ",
						     .allowed = setting->allowed};

		if (value && *value && config_set(config, setting, value) && complain)
			complain(&complaint);
	}
	if (!complain)
		return;
	complain_of_idle(config, complain);
	complain_of_names(complain);
}

bool config_match(const char *list, const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	char glob[ITEM_MAX];

	if (!list)
		return false;
	do {
		size_t length = config_value_item(list);

		if (length < sizeof(glob)) {
			memcpy(glob, list, length);
			glob[length] = '\0';
			if (!fnmatch(glob, strchr(glob, '/') ? name : last, 0))
				return true;
		}
		list += length;
	} while (*list++);
	return false;
}
