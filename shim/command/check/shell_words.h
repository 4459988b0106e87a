/* shell_words.h -- the words of a shell's simple commands */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SHELL_WORDS_H
#define IDLEFLUSH_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define SHELL_WORDS_MOST 1000

/* A text that is being read, and the words of the command that was read last. */
struct shell_words {
	const char *at;         /* what comes next; behind a command: what ended it */
	char *const *arguments; /* the script's own, for "$@" */
	const char *why;        /* it could not be read; NULL: it could */
	size_t count;
	char *words[SHELL_WORDS_MOST];
	bool expands[SHELL_WORDS_MOST]; /* there is an expansion in it, which stays as it stands */
};

/*
 * Reads one simple command, up to its newline, `;` or `&&`: quotes, comments, redirections (which
 * are left out) and "$@". False, and `why`: there is something else. Words are never freed.
 */
bool shell_words_read(struct shell_words *reader);

#endif
