/* config_value.h -- how times, sizes, sets, switches and lists are written */
/* SPDX-License-Identifier: MIT */
/* All pure: no locale, no allocation, no errno. For config.c only. */
#ifndef IDLEFLUSH_CONFIG_VALUE_H
#define IDLEFLUSH_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_NS     INT64_C(1000)
#define MS_NS     (1000 * US_NS)
#define SECOND_NS (1000 * MS_NS)
#define HOUR_NS   (3600 * SECOND_NS)
#define DAY_NS    (24 * HOUR_NS)

/* Words, here in upper case, ended by one without a name. A user may write them in any case. */
struct config_word {
	const char *name;
	uint64_t bits;
};

/*
 * Each reads `value` in the form that enum config_form describes. Returns 0; -EINVAL: it is not of
 * that form; -ERANGE: no int64_t holds it. The result is left alone then.
 */
int config_value_time(const char *value, int64_t *ns);
int config_value_size(const char *value, int64_t *bytes);
int config_value_signals(const char *value, uint64_t *set);
int config_value_words(const char *value, const struct config_word *words, uint64_t *set);
int config_value_switch(const char *value, bool *on);

/* The length of the list's item that begins at `item`: up to its comma, or to the end. */
size_t config_value_item(const char *item);

#endif
