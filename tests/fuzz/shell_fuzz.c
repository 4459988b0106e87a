/* shell_fuzz.c -- any text at all as a shell's script: it ends, and what it yields is a command */
/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

#include "command/check/shell_script.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const arguments[] = {(char *)"first", (char *)"second", NULL};
	char *text = malloc(size + 1);
	struct shell_script script;
	enum shell_outcome outcome;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	outcome = shell_script_read(&script, text, arguments);
	MUST((outcome == SHELL_UNCLEAR) == (script.why != NULL));
	MUST((outcome == SHELL_RUNS) == (script.command && !script.why));
	MUST(outcome != SHELL_RUNS || script.command[0]);
	MUST(script.line >= 1 && script.line <= size + 1);
	free(text);
	return 0;
}
