/* config_value.c -- how times, sizes, signals and lists are written */
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

int config_value_signals(const char *value, uint64_t *set)
{
	const char *item = value;
	uint64_t found = 0;

	do {
		size_t length = config_value_item(item);
		uint64_t bit = find_signal(item, length);

		if (!bit && !is_word(value, strlen(value), "NONE"))
			return -EINVAL;
		found |= bit;
		item += length;
	} while (*item++);
	*set = found;
	return 0;
}
