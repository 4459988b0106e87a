/* config.c -- the settings: one table, and the strict reading of their values */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: the library's constructor; the launcher.
 * Never: the locale, errno, allocation. That rules strtod, strtoull and strcasecmp out.
 */
#include "config.h"
#include "platform.h"

#define US_NS     INT64_C(1000)
#define MS_NS     (1000 * US_NS)
#define SECOND_NS (1000 * MS_NS)
#define HOUR_NS   (3600 * SECOND_NS)
#define DAY_NS    (24 * HOUR_NS)

#define ITEM_MAX 4096 /* a glob, with its NUL: PATH_MAX */

static const struct unit {
	const char *suffix;
	int64_t factor;
} times[] = {{"", SECOND_NS},       {"s", SECOND_NS}, {"ms", MS_NS}, {"us", US_NS},
	     {"m", 60 * SECOND_NS}, {"h", HOUR_NS},   {"d", DAY_NS}, {NULL, 0}};

static const struct unit sizes[] = {{"", 1},          {"K", 1 << 10},     {"k", 1 << 10},
				    {"KiB", 1 << 10}, {"KB", 1000},       {"M", 1 << 20},
				    {"MiB", 1 << 20}, {"MB", 1000000},    {"G", 1 << 30},
				    {"GiB", 1 << 30}, {"GB", 1000000000}, {NULL, 0}};

#define SIGNAL_NAMES "TERM,INT,HUP,QUIT,SEGV,BUS,FPE,ILL,ABRT,SYS"

static const struct {
	const char *name;
	int number;
} signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP}, {"QUIT", SIGQUIT},
	       {"SEGV", SIGSEGV}, {"BUS", SIGBUS}, {"FPE", SIGFPE}, {"ILL", SIGILL},
	       {"ABRT", SIGABRT}, {"SYS", SIGSYS}};

/* The digits at *at; *at moves past them. Past INT64_MAX / 10 it stays there: out of any range. */
static int64_t read_digits(const char **at)
{
	int64_t number = 0;

	for (; **at >= '0' && **at <= '9'; ++*at)
		number = number < INT64_MAX / 100 ? number * 10 + (**at - '0') : INT64_MAX / 10;
	return number;
}

/* The factor of the unit spelled exactly `suffix`, or 0. */
static int64_t find_factor(const struct unit *units, const char *suffix)
{
	for (; units->suffix; units++)
		if (!strcmp(units->suffix, suffix))
			return units->factor;
	return 0;
}

/*
 * The fraction `digits` of a unit, rounded up to a whole nanosecond. Horner from the last digit:
 * exact for any number of digits, as the floor of a nested division is that of the whole.
 */
static int64_t fraction_of(int64_t factor, const char *digits, size_t count)
{
	int64_t ns = 0;
	bool rest = false;

	while (count--) {
		ns += (digits[count] - '0') * factor;
		rest = rest || ns % 10;
		ns /= 10;
	}
	return ns + rest;
}

/* DIGITS[.DIGITS][UNIT] or .DIGITS[UNIT], within the limits or, where `zero`, 0. */
static int parse_time(const struct config_setting *setting, const char *value, int64_t *ns)
{
	const char *at = value;
	int64_t whole = read_digits(&at), factor, total;
	size_t digits = (size_t)(at - value), decimals;
	const char *fraction = at;

	if (*at == '.') {
		fraction = ++at;
		read_digits(&at);
	}
	decimals = (size_t)(at - fraction);
	factor = find_factor(times, at);
	if (!factor || digits + decimals == 0)
		return -EINVAL;
	if (whole > setting->max / factor)
		return -ERANGE;
	total = whole * factor + fraction_of(factor, fraction, decimals);
	if ((total < setting->min || total > setting->max) && !(setting->zero && total == 0))
		return -ERANGE;
	*ns = total;
	return 0;
}

static int parse_size(const struct config_setting *setting, const char *value, size_t *bytes)
{
	const char *at = value;
	int64_t number = read_digits(&at), factor = find_factor(sizes, at);

	if (at == value || !factor)
		return -EINVAL;
	if (number > setting->max / factor || number * factor < setting->min)
		return -ERANGE;
	*bytes = (size_t)(number * factor);
	return 0;
}

/* Are the `length` bytes at `text` the upper-case `word`, in any case? */
static bool is_word(const char *text, size_t length, const char *word)
{
	for (; length && *word; length--, text++, word++)
		if (*text != *word && !(*text >= 'a' && *text <= 'z' && *text - 'a' + 'A' == *word))
			return false;
	return !length && !*word;
}

/* The length of the list's item at `item`: up to its comma or the end. */
static size_t item_length(const char *item)
{
	const char *comma = strchr(item, ',');

	return comma ? (size_t)(comma - item) : strlen(item);
}

/* The bit of the signal named or numbered by an item, or 0. */
static uint64_t find_signal(const char *item, size_t length)
{
	const char *end = item;
	int64_t number = read_digits(&end);
	size_t prefix = length > 3 && is_word(item, 3, "SIG") ? 3 : 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if ((end == item + length && number == signals[i].number) ||
		    is_word(item + prefix, length - prefix, signals[i].name))
			return UINT64_C(1) << (signals[i].number - 1); /* NOLINT: 1 to 31 */
	return 0;
}

static int parse_signals(const char *value, uint64_t *set)
{
	const char *item = value;
	uint64_t found = 0;

	do {
		size_t length = item_length(item);
		uint64_t bit = find_signal(item, length);

		if (!bit && !is_word(value, strlen(value), "NONE"))
			return -EINVAL;
		found |= bit;
		item += length;
	} while (*item++);
	*set = found;
	return 0;
}

static int parse_start(const char *value, enum config_start *start)
{
	bool server = !strcmp(value, "server");

	if (!server && strcmp(value, "constructor"))
		return -EINVAL;
	*start = server ? CONFIG_START_SERVER : CONFIG_START_CONSTRUCTOR;
	return 0;
}

static int parse_list(const char *value, const char **list)
{
	const char *item = value;

	do {
		if (!item_length(item))
			return -EINVAL;
		item += item_length(item);
	} while (*item++);
	*list = value;
	return 0;
}

static int parse_switch(const char *value, bool *on)
{
	if (strcmp(value, "0") && strcmp(value, "1"))
		return -EINVAL;
	*on = *value == '1';
	return 0;
}

static int parse_stats(const char *value, struct config *config)
{
	bool path = parse_switch(value, &config->stats) != 0;

	config->stats = config->stats || path;
	config->stats_file = path ? value : NULL;
	return 0;
}

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
	{"IDLEFLUSH_BUFFER", "buffer", 'b', "SIZE", false, NULL, "1 to 1G",
	 "size of stdout's buffer; default: libc's own", CONFIG_SIZE, .field = FIELD(buffer),
	 .min = 1, .max = 1 << 30},
	{"IDLEFLUSH_SIGNALS", "signals", 0, "LIST", false, SIGNAL_NAMES,
	 "none, or some of " SIGNAL_NAMES, "flush before dying of these, or none", CONFIG_SIGNALS,
	 .field = FIELD(signals)},
	{"IDLEFLUSH_START", "start", 0, "WHEN", false, "constructor", "constructor or server",
	 "constructor: before main; server: once it serves", CONFIG_START, .field = FIELD(start)},
	{"IDLEFLUSH_FILES", "files", 0, "GLOB[,GLOB...]", false, NULL, "globs, by commas",
	 "keep these log files fresh too; default: none", CONFIG_LIST, .field = FIELD(files)},
	{"IDLEFLUSH_ONLY", "only", 0, "NAME[,NAME...]", false, NULL, "globs, by commas",
	 "act only in programs so named; default: in all", CONFIG_LIST, .field = FIELD(only)},
	{"IDLEFLUSH_STATS", "stats", 0, "FILE", true, NULL, "0, 1 or a path",
	 "a line of counters at exit, to stderr or FILE", CONFIG_OUTPUT, .field = FIELD(stats)},
	{"IDLEFLUSH_DEBUG", "debug", 0, NULL, false, NULL, "0 or 1",
	 "say on stderr what is decided", CONFIG_SWITCH, .field = FIELD(debug)},
	{"IDLEFLUSH_DISABLE", NULL, 0, NULL, false, NULL, "0 or 1", "1: asleep", CONFIG_SWITCH,
	 .field = FIELD(disable)},
	{.env = NULL},
};

int config_set(struct config *config, const struct config_setting *setting, const char *value)
{
	void *field = (char *)config + setting->field;

	if (!*value)
		return -EINVAL;
	switch (setting->form) {
	case CONFIG_TIME:
		return parse_time(setting, value, field);
	case CONFIG_SIZE:
		return parse_size(setting, value, field);
	case CONFIG_SIGNALS:
		return parse_signals(value, field);
	case CONFIG_START:
		return parse_start(value, field);
	case CONFIG_LIST:
		return parse_list(value, field);
	case CONFIG_OUTPUT:
		return parse_stats(value, config);
	case CONFIG_SWITCH:
		break;
	}
	return parse_switch(value, field);
}

void config_init(struct config *config)
{
	*config = (struct config){0};
	for (const struct config_setting *setting = config_settings; setting->env; setting++)
		if (setting->fallback)
			config_set(config, setting, setting->fallback);
}

void config_read(struct config *config,
		 void (*complain)(const char *env, const char *value, const char *allowed))
{
	config_init(config);
	for (const struct config_setting *setting = config_settings; setting->env; setting++) {
		const char *value = getenv(setting->env);

		if (value && *value && config_set(config, setting, value) && complain)
			complain(setting->env, value, setting->allowed);
	}
}

bool config_match(const char *list, const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	char glob[ITEM_MAX];

	if (!list)
		return false;
	do {
		size_t length = item_length(list);

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
