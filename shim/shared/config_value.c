/* config_value.c -- how times, sizes, sets, switches and lists are written */
/* SPDX-License-Identifier: MIT */
#include "shared/config_value.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

static const struct unit {
	const char *suffix;
	int64_t factor;
} times[] = {{"", SECOND_NS},       {"s", SECOND_NS}, {"ms", MS_NS}, {"us", US_NS},
	     {"m", 60 * SECOND_NS}, {"h", HOUR_NS},   {"d", DAY_NS}, {NULL, 0}};

static const struct unit sizes[] = {{"", 1},          {"K", 1 << 10},     {"k", 1 << 10},
				    {"KiB", 1 << 10}, {"KB", 1000},       {"M", 1 << 20},
				    {"MiB", 1 << 20}, {"MB", 1000000},    {"G", 1 << 30},
				    {"GiB", 1 << 30}, {"GB", 1000000000}, {NULL, 0}};

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))

/* What ends a process by default and can be caught (signal(7)); real-time signals have numbers. */
static const struct config_word signals[] = {
	{"HUP", SIGNAL_BIT(SIGHUP)},       {"INT", SIGNAL_BIT(SIGINT)},
	{"QUIT", SIGNAL_BIT(SIGQUIT)},     {"ILL", SIGNAL_BIT(SIGILL)},
	{"TRAP", SIGNAL_BIT(SIGTRAP)},     {"ABRT", SIGNAL_BIT(SIGABRT)},
	{"IOT", SIGNAL_BIT(SIGIOT)},       {"BUS", SIGNAL_BIT(SIGBUS)},
	{"FPE", SIGNAL_BIT(SIGFPE)},       {"USR1", SIGNAL_BIT(SIGUSR1)},
	{"SEGV", SIGNAL_BIT(SIGSEGV)},     {"USR2", SIGNAL_BIT(SIGUSR2)},
	{"PIPE", SIGNAL_BIT(SIGPIPE)},     {"ALRM", SIGNAL_BIT(SIGALRM)},
	{"TERM", SIGNAL_BIT(SIGTERM)},     {"STKFLT", SIGNAL_BIT(SIGSTKFLT)},
	{"XCPU", SIGNAL_BIT(SIGXCPU)},     {"XFSZ", SIGNAL_BIT(SIGXFSZ)},
	{"VTALRM", SIGNAL_BIT(SIGVTALRM)}, {"PROF", SIGNAL_BIT(SIGPROF)},
	{"IO", SIGNAL_BIT(SIGIO)},         {"POLL", SIGNAL_BIT(SIGPOLL)},
	{"PWR", SIGNAL_BIT(SIGPWR)},       {"SYS", SIGNAL_BIT(SIGSYS)},
	{NULL, ~UINT64_C(0) << 33}, /* real-time signals from 34 on: libc itself uses 32 and 33 */
};

static const struct config_word switches[] = {{"1", 1}, {"TRUE", 1},  {"YES", 1}, {"ON", 1},
					      {"0", 0}, {"FALSE", 0}, {"NO", 0},  {"OFF", 0}};

/* Reads the digits at *at and moves *at past them. A number that is too large is INT64_MAX / 10. */
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

/* DIGITS[.DIGITS][UNIT] or .DIGITS[UNIT] */
int config_value_time(const char *value, int64_t *ns)
{
	const char *at = value;
	int64_t whole = read_digits(&at), factor;
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
	if (whole >= INT64_MAX / factor)
		return -ERANGE;
	*ns = whole * factor + fraction_of(factor, fraction, decimals);
	return 0;
}

int config_value_size(const char *value, int64_t *bytes)
{
	const char *at = value;
	int64_t number = read_digits(&at), factor = find_factor(sizes, at);

	if (at == value || !factor)
		return -EINVAL;
	if (number > INT64_MAX / factor)
		return -ERANGE;
	*bytes = number * factor;
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
size_t config_value_item(const char *item)
{
	const char *comma = strchr(item, ',');

	return comma ? (size_t)(comma - item) : strlen(item);
}

/* The bits of all words of a table, with those of its last entry, which has no name. */
static uint64_t all_of(const struct config_word *words)
{
	uint64_t bits = 0;

	for (; words->name; words++)
		bits |= words->bits;
	return bits | words->bits;
}

static uint64_t find_word(const struct config_word *words, const char *item, size_t length)
{
	for (; words->name; words++)
		if (is_word(item, length, words->name))
			return words->bits;
	return 0;
}

/* The bit of the signal with the item's name or number, or 0. */
static uint64_t find_signal(const char *item, size_t length)
{
	const char *end = item;
	int64_t number = read_digits(&end);
	size_t prefix = length > 3 && is_word(item, 3, "SIG") ? 3 : 0;

	if (length && end == item + length)
		return number >= 1 && number <= 64 ? SIGNAL_BIT(number) & all_of(signals) : 0;
	return find_word(signals, item + prefix, length - prefix);
}

int config_value_words(const char *value, const struct config_word *words, uint64_t *set)
{
	size_t length = strlen(value);
	uint64_t found = is_word(value, length, "ALL") ? all_of(words) : 0;
	const char *item = value;

	if (found || is_word(value, length, "NONE")) {
		*set = found;
		return 0;
	}
	do {
		uint64_t bits;

		length = config_value_item(item);
		bits = words == signals ? find_signal(item, length)
					: find_word(words, item, length);
		if (!bits)
			return -EINVAL;
		found |= bits;
		item += length;
	} while (*item++);
	*set = found;
	return 0;
}

int config_value_signals(const char *value, uint64_t *set)
{
	return config_value_words(value, signals, set);
}

int config_value_switch(const char *value, bool *on)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (is_word(value, strlen(value), switches[i].name)) {
			*on = switches[i].bits;
			return 0;
		}
	return -EINVAL;
}
