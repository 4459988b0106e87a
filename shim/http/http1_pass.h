/* http1_pass.h -- HTTP/1 heads the fast way: whole lines of the usual form */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_HTTP1_PASS_H
#define IDLEFLUSH_HTTP1_PASS_H

#include "http/http1.h"

/*
 * In state SKIP, `p` < `end`: passes over the rest of the line and over further lines, and takes
 * in Content-Length and "Transfer-Encoding: chunked" where they have their usual form. Returns up
 * to where. The state is LINE at a line that needs a closer look, SKIP at `end` within a line,
 * HEAD_READ after the empty line.
 */
const unsigned char *http1_pass_lines(struct http1 *m, const unsigned char *p,
				      const unsigned char *end);

#endif
