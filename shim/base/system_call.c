/* system_call.c -- syscall(2) for our own use: libc's name is one that we export */
/* SPDX-License-Identifier: MIT */
/* Called from: anywhere, also before the constructor and where there is no libc. */
#include "base/platform.h"

HIDDEN long system_call_failed(long error);

/* As libc's: -1, and the error in errno. */
long system_call_failed(long error)
{
	errno = (int)-error;
	return -1;
}

/* clang-format off */
#if defined(__x86_64__)
__asm__(".pushsection .text\n"
	".globl system_call\n"
	".hidden system_call\n"
	".type system_call, @function\n"
	"system_call:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov %r9, %r8\n"
	"	mov 8(%rsp), %r9\n"
	"	syscall\n"
	"	cmp $-4095, %rax\n"
	"	jae 1f\n"
	"	ret\n"
	"1:	mov %rax, %rdi\n"
	"	jmp system_call_failed\n"
	"	.cfi_endproc\n"
	".size system_call, . - system_call\n"
	".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
	".globl system_call\n"
	".hidden system_call\n"
	".type system_call, %function\n"
	"system_call:\n"
	"	.cfi_startproc\n"
	"	hint #34\n" /* bti c */
	"	mov x8, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	mov x2, x3\n"
	"	mov x3, x4\n"
	"	mov x4, x5\n"
	"	mov x5, x6\n"
	"	svc #0\n"
	"	cmn x0, #4095\n"
	"	b.hs 1f\n"
	"	ret\n"
	"1:	b system_call_failed\n"
	"	.cfi_endproc\n"
	".size system_call, . - system_call\n"
	".popsection\n");
#else
#error "how does this machine make a system call?"
#endif
