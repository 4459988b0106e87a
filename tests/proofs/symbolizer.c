/* symbolizer.c -- llvm-symbolizer without LD_PRELOAD: statically linked, so not preloaded itself */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	unsetenv("LD_PRELOAD");
	execv("/usr/bin/llvm-symbolizer", argv);
	return 127;
}
