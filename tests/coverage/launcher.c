/* launcher.c -- linked into the coverage build of the launcher, which ends without exit(3) */
/* SPDX-License-Identifier: MIT */
/* By the linker's --wrap; see library.c. */
extern void __gcov_dump(void);
extern void __gcov_reset(void);

void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));
int __real_execv(const char *path, char *const argv[]);
int __wrap_execv(const char *path, char *const argv[]);
int __real_execvp(const char *file, char *const argv[]);
int __wrap_execvp(const char *file, char *const argv[]);

static void dump(void)
{
	__gcov_dump();
	__gcov_reset();
}

void __wrap__exit(int status)
{
	dump();
	__real__exit(status);
}

int __wrap_execv(const char *path, char *const argv[])
{
	dump();
	return __real_execv(path, argv);
}

int __wrap_execvp(const char *file, char *const argv[])
{
	dump();
	return __real_execvp(file, argv);
}
