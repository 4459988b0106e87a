/* http1_field.h -- HTTP/1 fields that frame a body: their names and values */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_HTTP1_FIELD_H
#define IDLEFLUSH_HTTP1_FIELD_H

#include "http/http1.h"

/* `field`: those that matter. */
enum http1_field {
	HTTP1_NO_FIELD,
	HTTP1_CONTENT_LENGTH,
	HTTP1_TRANSFER_ENCODING,
	HTTP1_UPGRADE, /* with HTTP1_SEEK_UPGRADE only */
};

/* May a line with this first byte be such a field? Then `field` says which. */
bool http1_field_begins(struct http1 *m, unsigned char first);

/*
 * In state NAME, VALUE or FOLD, `p` < `end`: reads on, and returns up to where. Afterwards the
 * state is one of them, LINE after the field, or SKIP if it was another.
 */
const unsigned char *http1_field_read(struct http1 *m, const unsigned char *p,
				      const unsigned char *end);

#endif
