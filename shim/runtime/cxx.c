/* cxx.c -- C++'s cout stays on C stdio where the program turns the synchronization off */
/* SPDX-License-Identifier: MIT */
/*
 * sync_with_stdio(false) gives cout a buffer of its own, which nobody outside can flush. We let the
 * call do that, because it makes cin fast, and then give cout the kind of buffer that it had
 * before, a stdio_sync_filebuf on stdout. libstdc++ has exported all that this needs since GCC 4.3.
 * Owns: that buffer, and whether we are on.
 * Not reached: a libstdc++ that is linked statically (the call never leaves the program), libc++
 * (it sits on C stdio anyway), wcout and clog.
 */
#include "runtime/cxx.h"

#include "base/platform.h"
#include "runtime/runtime.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#define SYNC  "_ZNSt8ios_base15sync_with_stdioEb"
#define MAKE  "_ZN9__gnu_cxx18stdio_sync_filebufIcSt11char_traitsIcEEC1EP8_IO_FILE"
#define SET   "_ZNSt9basic_iosIcSt11char_traitsIcEE5rdbufEPSt15basic_streambufIcS1_E"
#define GET   "_ZNKSt9basic_iosIcSt11char_traitsIcEE5rdbufEv"
#define COUT  "_ZSt4cout"
#define BYTES 256 /* a stdio_sync_filebuf<char> has 80 */

static bool on; /* written by the constructor only */
static _Alignas(16) char stdio_buffer[BYTES];

struct ios;       /* a std::basic_ios<char> */
struct streambuf; /* a std::basic_streambuf<char> */

struct libstdcxx {
	bool (*sync)(bool on);
	void (*make)(void *memory, FILE *file);
	struct streambuf *(*set)(struct ios *ios, void *buffer);
	struct streambuf *(*get)(const struct ios *ios);
	char *cout;
};

static bool find(bool exported)
{
	(void)exported; /* or a plug-in brings it */
	on = true;
	return false;
}

const struct runtime cxx_runtime = {.setting = CONFIG_RUNTIME_CXX, .symbol = COUT, .find = find};

/* --- finding the program's libstdc++ ------------------------------------------------------ */

struct caller {
	uintptr_t address;
	const char
		*object; /* the name of the object that has the address, as the loader knows it */
};

static int find_caller(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct caller *caller = arg;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    caller->address - (info->dlpi_addr + segment->p_vaddr) < segment->p_memsz) {
			caller->object = info->dlpi_name;
			return 1;
		}
	}
	return 0;
}

/*
 * The next definition, as for any wrapper. A plug-in that is loaded for itself alone (RTLD_LOCAL)
 * may have brought a libstdc++ that only it sees: then there is no next one, and it is found from
 * the plug-in.
 */
static bool (*find_sync(const void *address))(bool)
{
	struct caller caller = {.address = (uintptr_t)address};
	void *sync = dlsym(RTLD_NEXT, SYNC), *handle;

	if (sync || !dlopen)
		return (bool (*)(bool))sync;
	dl_iterate_phdr(find_caller, &caller);
	handle = caller.object && *caller.object ? dlopen(caller.object, RTLD_LAZY | RTLD_NOLOAD)
						 : NULL;
	return handle ? (bool (*)(bool))dlsym(handle, SYNC) : NULL;
}

/* cout by the program's own scope: a copy relocation moves it there. */
static bool resolve_all(struct libstdcxx *lib)
{
	return (lib->make = (void (*)(void *, FILE *))dlsym(RTLD_NEXT, MAKE)) &&
	       (lib->set = (struct streambuf * (*)(struct ios *, void *)) dlsym(RTLD_NEXT, SET)) &&
	       (lib->get = (struct streambuf * (*)(const struct ios *)) dlsym(RTLD_NEXT, GET)) &&
	       (lib->cout = dlsym(RTLD_DEFAULT, COUT));
}

/* --- keeping cout ------------------------------------------------------------------------- */

/* The virtual base of a stream. How far away it is stands before the table that vptr points to. */
static struct ios *ios_of(char *stream)
{
	char *table = *(char **)stream;

	return table ? (struct ios *)(stream + *(ptrdiff_t *)(table - 3 * sizeof(ptrdiff_t)))
		     : NULL; /* a static constructor may call before cout is made */
}

static const void *buffer_of(const struct libstdcxx *lib)
{
	const struct ios *ios = ios_of(lib->cout);

	return ios ? lib->get(ios) : NULL;
}

/* Only where lines would wait: a file is filled in larger steps without us. */
static bool is_pipe_or_socket(int fd)
{
	struct stat file;

	return syscall(SYS_fstat, fd, &file) == 0 &&
	       (S_ISFIFO(file.st_mode) || S_ISSOCK(file.st_mode));
}

/* If cout's buffer did not change, this is another libstdc++'s cout, or it was not synchronized. */
static bool sync_and_keep(const struct libstdcxx *lib)
{
	const void *before = buffer_of(lib);
	bool was = lib->sync(false);

	if (was && buffer_of(lib) != before) {
		lib->make(stdio_buffer, stdout);
		lib->set(ios_of(lib->cout), stdio_buffer);
	}
	return was;
}

bool cxx_sync_with_stdio(bool sync, const void *caller, bool keep)
{
	struct libstdcxx lib = {.sync = dlsym ? find_sync(caller) : NULL};

	if (!lib.sync)
		return true; /* nobody's: as if it had stayed synchronized */
	if (sync || !keep || !on || !is_pipe_or_socket(STDOUT_FILENO) || !resolve_all(&lib))
		return lib.sync(sync);
	return sync_and_keep(&lib);
}
