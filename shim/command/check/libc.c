/* libc.c -- which C library a dynamic program runs on, and its version */
/* SPDX-License-Identifier: MIT */
/*
 * glibc says "... release version 2.36." in libc.so.6, and since 2.33 in its loader as well; musl,
 * where both are one file, has the version as a string by itself ("1.2.3").
 */
#include "command/check/libc.h"
#include "command/elf_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GLIBC_SAYS "release version "
#define MUSL_SAYS  "musl libc ("

/* The length of a version at `text`: digits, dots, and what a build from git adds. */
static size_t version_length(const char *text)
{
	static const char characters[] = "0123456789.-abcdefghijklmnopqrstuvwxyz";
	size_t length = strspn(text, "0123456789");

	return length && text[length] == '.' ? strspn(text, characters) : 0;
}

static bool take_version(struct libc *libc, const char *text, size_t length)
{
	while (length && text[length - 1] == '.')
		length--;
	if (!length || length >= sizeof(libc->version))
		return false;
	memcpy(libc->version, text, length);
	libc->version[length] = '\0';
	return true;
}

static void read_glibc(struct libc *libc, const struct mapping *file)
{
	const unsigned char *at = memmem(file->bytes, file->length, GLIBC_SAYS, strlen(GLIBC_SAYS));
	char text[sizeof(libc->version)] = "";

	if (!at)
		return;
	at += strlen(GLIBC_SAYS);
	for (size_t i = 0; i < sizeof(text) - 1 && at + i < file->bytes + file->length; i++)
		text[i] = (char)at[i];
	take_version(libc, text, version_length(text));
}

/* The only string in the file that is a version of three numbers and nothing else. */
static void read_musl(struct libc *libc, const struct mapping *file)
{
	const char *at = (const char *)file->bytes, *end = at + file->length;

	if (!memmem(at, file->length, MUSL_SAYS, strlen(MUSL_SAYS)))
		return;
	for (const char *stop; (stop = memchr(at, '\0', (size_t)(end - at))); at = stop + 1) {
		unsigned major, minor, patch;
		size_t length = (size_t)(stop - at);

		if (length > 4 && version_length(at) == length &&
		    sscanf(at, "%u.%u.%u", &major, &minor, &patch) == 3 &&
		    (major == 1 || (major == 0 && minor == 9)) && take_version(libc, at, length))
			return;
	}
}

static void read_file(struct libc *libc, const char *path)
{
	struct mapping file;

	if (*libc->version || mapping_open(&file, path))
		return;
	if (libc->kind == LIBC_MUSL)
		read_musl(libc, &file);
	else
		read_glibc(libc, &file);
	mapping_close(&file);
}

void libc_identify(struct libc *libc, const struct program *program,
		   const struct elf_needed *needed)
{
	const char *slash = strrchr(program->interpreter, '/');
	const char *name = slash ? slash + 1 : program->interpreter;
	char loader[PATH_MAX], beside[PATH_MAX + sizeof("libc.so.6")];

	*libc = (struct libc){.kind = LIBC_OTHER};
	if (!strncmp(name, "ld-musl-", 8))
		libc->kind = LIBC_MUSL;
	else if (!strncmp(name, "ld-linux", 8) || !strncmp(name, "ld64.so", 7) ||
		 !strncmp(name, "ld.so.1", 7))
		libc->kind = needed->count ? LIBC_GLIBC : LIBC_NONE;
	if ((libc->kind != LIBC_GLIBC && libc->kind != LIBC_MUSL) ||
	    !realpath(program->interpreter, loader))
		return;
	snprintf(beside, sizeof(beside), "%.*s/libc.so.6", (int)(strrchr(loader, '/') - loader),
		 loader);
	if (libc->kind == LIBC_GLIBC)
		read_file(libc, beside);
	read_file(libc, loader);
}

const char *libc_name(const struct libc *libc)
{
	static const char *const names[] = {[LIBC_OTHER] = "unknown",
					    [LIBC_GLIBC] = "glibc",
					    [LIBC_MUSL] = "musl",
					    [LIBC_NONE] = "none"};

	return names[libc->kind];
}

bool libc_is_older(const struct libc *libc, unsigned major, unsigned minor)
{
	unsigned its_major, its_minor;

	return sscanf(libc->version, "%u.%u", &its_major, &its_minor) == 2 &&
	       (its_major < major || (its_major == major && its_minor < minor));
}
