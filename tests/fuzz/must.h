/* must.h -- what must hold for any input; otherwise the fuzzer keeps the input as a crash */
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
