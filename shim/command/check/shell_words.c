/* shell_words.c -- the words of a shell's simple commands */
/* SPDX-License-Identifier: MIT */
/* Source: POSIX.1-2017, Shell Command Language. */
#include "command/check/shell_words.h"

#include "command/options.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static bool unclear(struct shell_words *reader, const char *why)
{
	if (!reader->why)
		reader->why = why;
	return false;
}

static bool add_word(struct shell_words *reader, char *word, bool expands)
{
	if (reader->count == SHELL_WORDS_MOST - 1)
		return unclear(reader, "too many words");
	reader->expands[reader->count] = expands;
	reader->words[reader->count++] = word;
	return true;
}

/* The length of "$@" or $@, as a word by itself: the script's own arguments. 0: it is not that. */
static size_t is_all_arguments(const char *at)
{
	static const char *const forms[] = {"\"$@\"", "$@", "\"${@}\"", "${@}"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = strlen(forms[i]);

		if (!strncmp(at, forms[i], length) && (!at[length] || strchr(" \t\n;", at[length])))
			return length;
	}
	return 0;
}

/* Past $NAME or ${...}, which are copied as they stand; false: $( and the like. */
static bool copy_expansion(struct shell_words *reader, char **to)
{
	const char *end = reader->at + 1;

	if (*end == '{')
		end = strchr(end, '}');
	else if (*end && strchr("(`'\"", *end))
		end = NULL;
	else
		end += *end ? strspn(end + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "0123456789_")
			    : 0;
	if (!end || !*end)
		return unclear(reader, "a command substitution");
	end++;
	while (reader->at < end)
		*(*to)++ = *reader->at++;
	return true;
}

static bool copy_quoted(struct shell_words *reader, char **to, bool *expands)
{
	char quote = *reader->at++;

	while (*reader->at && *reader->at != quote) {
		if (quote == '"' && *reader->at == '`')
			return unclear(reader, "a command substitution");
		if (quote == '"' && *reader->at == '$') {
			*expands = true;
			if (!copy_expansion(reader, to))
				return false;
			continue;
		}
		if (quote == '"' && *reader->at == '\\' && reader->at[1] &&
		    strchr("$`\"\\\n", reader->at[1]))
			reader->at++;
		*(*to)++ = *reader->at++;
	}
	if (!*reader->at)
		return unclear(reader, "a quote that does not end");
	reader->at++;
	return true;
}

/* Reads one word. The copy is never longer than the text, and never freed. */
static char *read_word(struct shell_words *reader, bool *expands)
{
	char *word = malloc(strlen(reader->at) + 1), *to = word;

	if (!word)
		err(EXIT_FAILED, NULL);
	*expands = false;
	while (*reader->at && !strchr(" \t\n;&|<>()", *reader->at)) {
		char c = *reader->at;

		if (c == '\'' || c == '"') {
			if (!copy_quoted(reader, &to, expands))
				return NULL;
		} else if (c == '$') {
			*expands = true;
			if (!copy_expansion(reader, &to))
				return NULL;
		} else if (c == '`') {
			unclear(reader, "a command substitution");
			return NULL;
		} else {
			if (c == '*' || c == '?' || c == '[')
				*expands = true;
			if (c == '\\' && reader->at[1])
				reader->at++;
			*to++ = *reader->at++;
		}
	}
	*to = '\0';
	return word;
}

/* [N]<FILE, [N]>FILE, [N]>>FILE, [N]>&N: passed over. */
static bool pass_redirection(struct shell_words *reader)
{
	bool expands;

	reader->at += strspn(reader->at, "0123456789");
	if (!strncmp(reader->at, "<<", 2))
		return unclear(reader, "a here-document");
	reader->at += strspn(reader->at, "<>&|");
	reader->at += strspn(reader->at, " \t");
	return read_word(reader, &expands) != NULL;
}

bool shell_words_read(struct shell_words *reader)
{
	reader->count = 0;
	for (;;) {
		size_t digits, all;
		char *word;
		bool expands;

		while (*reader->at == ' ' || *reader->at == '\t' || !strncmp(reader->at, "\\\n", 2))
			reader->at += *reader->at == '\\' ? 2 : 1;
		digits = strspn(reader->at, "0123456789");
		all = is_all_arguments(reader->at);
		if (*reader->at == '#')
			reader->at += strcspn(reader->at, "\n");
		if (!*reader->at || *reader->at == '\n' || *reader->at == ';')
			return true;
		if (!strncmp(reader->at, "&&", 2)) {
			reader->at++;
			return true;
		}
		if (strchr("<>", reader->at[digits]) && reader->at[digits]) {
			if (!pass_redirection(reader))
				return false;
		} else if (strchr("&|()", *reader->at)) {
			return unclear(reader, "more than simple commands");
		} else if (all) {
			reader->at += all;
			for (char *const *each = reader->arguments; *each; each++)
				if (!add_word(reader, *each, false))
					return false;
		} else {
			word = read_word(reader, &expands);
			if (!word || !add_word(reader, word, expands))
				return false;
		}
	}
}
