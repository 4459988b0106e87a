/* config_fuzz.c -- any text at all as a setting: accepted within its limits, or refused */
/* SPDX-License-Identifier: MIT */
/* The first byte says which setting; what follows is its value, and a name for config_match. */
#include "shared/config.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_settings(void)
{
	size_t n = 0;

	while (config_settings[n].env)
		n++;
	return n;
}

static void check_taken(const struct config *config, const struct config_setting *setting)
{
	const int64_t *ns = (const int64_t *)((const char *)config + setting->field);

	if (setting->form == CONFIG_TIME)
		MUST((*ns >= setting->min && *ns <= setting->max) || (setting->zero && !*ns));
	MUST(config->buffer <= 1 << 30);
	MUST(!(config->signals & (UINT64_C(1) << 8 | UINT64_C(1) << 18))); /* KILL, STOP */
	MUST(config->runtimes < 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_setting *setting;
	struct config config, before;
	char *value;

	if (!size)
		return 0;
	setting = &config_settings[*data % count_settings()];
	value = malloc(size); /* of exactly its size, so that a read past the end is caught */
	MUST(value);
	memcpy(value, data + 1, size - 1);
	value[size - 1] = '\0';
	memset(&before, 0, sizeof(before));
	config_init(&before);
	memcpy(&config, &before, sizeof(config));
	if (config_set(&config, setting, value) == 0)
		check_taken(&config, setting);
	else if (setting->form != CONFIG_OUTPUT) /* whatever is no switch is a path there */
		MUST(!memcmp(&config, &before, sizeof(config)));
	if (strlen(value) < 256) /* fnmatch(3) itself takes long where there are many stars */
		config_match(value, "/usr/sbin/a-server");
	config_match("*server,nginx", value);
	free(value);
	return 0;
}
