/* program.h -- what kind of program a file is, and whether a library can be preloaded into it */
/* SPDX-License-Identifier: MIT */
/*
 * Not elf.h: that name belongs to the system's header. Launcher only; allocates nothing.
 */
#ifndef IDLEFLUSH_PROGRAM_H
#define IDLEFLUSH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command/elf_file.h"

#define PROGRAM_PATH_MAX     4096 /* as the kernel's PATH_MAX, NUL included */
#define PROGRAM_LINE_MAX     256  /* the kernel's BINPRM_BUF_SIZE since Linux 5.1 */
#define PROGRAM_SCRIPT_DEPTH 5    /* exec(2) says ELOOP after that many interpreters */

enum program_kind {
	PROGRAM_OPAQUE,  /* cannot be read: executable all the same, if its mode says so */
	PROGRAM_OTHER,   /* neither script nor ELF: exec(2) fails, or binfmt_misc knows it */
	PROGRAM_SCRIPT,  /* starts with #! and an interpreter */
	PROGRAM_BROKEN,  /* says that it is ELF, but exec(2) will not have it */
	PROGRAM_STATIC,  /* asks for no loader (static-pie included) */
	PROGRAM_DYNAMIC, /* asks for a loader, which reads LD_PRELOAD */
	PROGRAM_LIBRARY, /* a shared object that asks for none: a library, or the loader itself */
};

struct program {
	char path[PROGRAM_PATH_MAX]; /* as given */
	enum program_kind kind;

	/* The last three kinds only; as in the ELF header. */
	uint8_t class;    /* ELFCLASS32 or ELFCLASS64 */
	uint8_t order;    /* ELFDATA2LSB or ELFDATA2MSB */
	uint16_t machine; /* EM_... */

	/* A script's interpreter or a dynamic program's loader; else empty. */
	char interpreter[PROGRAM_PATH_MAX];

	/* What follows in a script's first line, as the one argument that it is; or empty. */
	char argument[PROGRAM_LINE_MAX];

	/* What makes the loader ignore LD_PRELOAD (ld.so(8), secure-execution mode). */
	bool set_id;       /* started by this process it would change its user or group ID */
	bool capabilities; /* it would gain capabilities from its file */

	struct mapping file; /* its bytes, until the next program_inspect; NULL: cannot be read */
};

/* The last component of a path. */
const char *program_file_name(const char *path);

/*
 * Fills in kind, class, order, machine, interpreter and argument from the `length` bytes of a file.
 * Pure. Any bytes will do: nothing past `length` is read, and what a hostile header claims is
 * checked. Sources: elf(5); fs/binfmt_elf.c and fs/binfmt_script.c of Linux for what exec(2)
 * accepts.
 */
void program_read(struct program *program, const unsigned char *bytes, size_t length);

/*
 * The file that execvp(3) would try first for `name`, into `path`. False where it would fail, or
 * would fail at that one and go on. Reads the environment's PATH.
 */
bool program_find(char path[PROGRAM_PATH_MAX], const char *name);

/*
 * All facts about the file at `path`, into what was all zero or came from here. Returns 0 or a
 * negative errno where it could not be read in full: -EACCES leaves kind at PROGRAM_OPAQUE but
 * set_id and capabilities are right.
 */
int program_inspect(struct program *program, const char *path);

/* Is it ELF for another machine, word size or byte order than `library`? */
bool program_is_foreign(const struct program *program, const struct program *library);

/*
 * Why `library` cannot be preloaded into the program, as the rest of a sentence that starts with
 * its name ("is statically linked"), or NULL: it can, or it cannot be told.
 */
const char *program_obstacle(const struct program *program, const struct program *library);

#endif
