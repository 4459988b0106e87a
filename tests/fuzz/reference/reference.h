/* reference.h -- response framing without any shortcut: what shim/http must agree with */
/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

/* A connection; free(3) it. The functions are those of http/http.h, their contracts too. */
struct reference;

struct reference *reference_make(void);
void reference_receive(struct reference *r, const void *buf, size_t n);
unsigned reference_send(struct reference *r, const void *buf, size_t n);
unsigned reference_shut(struct reference *r);
bool reference_in_flight(const struct reference *r);
bool reference_is_sending(const struct reference *r);

/* enum http_framing of http/http.h. */
int reference_framing_in(const struct reference *r);
int reference_framing_out(const struct reference *r);

#endif
