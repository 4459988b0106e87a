/* introspect.c -- where `idleflush --check --pid` finds the library's state */
/* SPDX-License-Identifier: MIT */
#include "conn/conn.h"
#include "flush/flusher_state.h"
#include "shared/introspect.h"

#define AT(type, field) ((uint32_t)offsetof(struct type, field))

LARGE_DATA struct status library_status = {
	.flusher = (const void *const *)&flusher,
	.mode = AT(flusher, mode),
	.owner = AT(flusher, owner),
	.armed_since = AT(flusher, armed_since_ns),
	.last_activity = AT(flusher, last_activity_ns),
	.conn_runs = conn_runs,
	.conn_run_count = CONN_RUNS,
	.conn_run_length = CONN_RUN_LENGTH,
	.conn_size = sizeof(struct conn),
	.conn_responses = AT(conn, responses),
};

/*
 * struct status_note with its note header; see elf(5). In assembly, because only the assembler can
 * write a distance without a relocation.
 */
__asm__(".pushsection .note.idleflush, \"a\", %note\n"
	".balign 4\n"
	".long 2f - 1f, 5f - 3f, 4\n"
	"1: .asciz \"" STATUS_NOTE "\"\n"
	"2: .balign 4\n"
	"3: .long library_status - .\n"
	"4: .asciz \"" IDLEFLUSH_VERSION "\"\n"
	".zero 20 - (. - 4b)\n"
	"5: .popsection");
_Static_assert(STATUS_NOTE_TYPE == 4 && sizeof(struct status) == 8400,
	       "a new layout is a new type");
_Static_assert(sizeof(IDLEFLUSH_VERSION) <= 20, "the note has so much room");
