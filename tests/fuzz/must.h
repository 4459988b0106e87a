/* must.h -- what has to hold, whatever the input: else the fuzzer keeps it as a crash */
/* SPDX-License-Identifier: MIT */
#ifndef MUST_H
#define MUST_H

#include <stdlib.h>

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

#endif
