/* libc.h -- which C library a dynamic program runs on, and its version */
/* SPDX-License-Identifier: MIT */
/* Launcher only. */
#ifndef IDLEFLUSH_LIBC_H
#define IDLEFLUSH_LIBC_H

#include <stdbool.h>

#include "command/check/elf_needed.h"
#include "command/program.h"

enum libc_kind {
	LIBC_OTHER, /* one that we do not know */
	LIBC_GLIBC,
	LIBC_MUSL,
	LIBC_NONE, /* a loader, but no libc behind it */
};

struct libc {
	enum libc_kind kind;
	char version[24]; /* as its file says; empty: it does not */
};

/*
 * By the name of the program's loader, and by what is in the loader's file and in the one of libc
 * beside it. Nothing is run.
 */
void libc_identify(struct libc *libc, const struct program *program,
		   const struct elf_needed *needed);

/* glibc or musl, as in a report. */
const char *libc_name(const struct libc *libc);

/* Is the version known, and older than major.minor? */
bool libc_is_older(const struct libc *libc, unsigned major, unsigned minor);

#endif
