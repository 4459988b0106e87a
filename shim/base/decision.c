/* decision.c -- awake or asleep, and why: for --debug and --check */
/* SPDX-License-Identifier: MIT */
#include "base/decision.h"

#include "base/log.h"
#include "shared/introspect.h"

#include <stdatomic.h>

static const char *_Atomic decided; /* NULL: the constructor has not decided yet */

STATUS_NAMED(status_first, .what = STATUS_SAYS, .address = &decided, .size = sizeof(decided),
	     .records = 1);

/*
 * struct status_note with its note header; see elf(5). In assembly, because only the assembler can
 * write the distance to the first entry without a relocation. Not by the __start_ and __stop_
 * symbols of the section: GNU ld 2.40 exports those even if they are hidden.
 */
__asm__(".pushsection .note.idleflush, \"a\", %note\n"
	".balign 4\n"
	".long 2f - 1f, 5f - 3f, 1\n"
	"1: .asciz \"" STATUS_NOTE "\"\n"
	"2: .balign 4\n"
	"3: .long status_first - .\n"
	".long 40\n"
	"4: .asciz \"" IDLEFLUSH_VERSION "\"\n"
	".zero 20 - (. - 4b)\n"
	"5: .popsection");
_Static_assert(sizeof(struct status_entry) == 40, "the note says so");
_Static_assert(sizeof(IDLEFLUSH_VERSION) <= 20, "the note has so much room");

void decision_set(const char *says)
{
	atomic_store_explicit(&decided, says, memory_order_release);
	log_debug(says);
}
