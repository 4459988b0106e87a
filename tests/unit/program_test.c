/* program_test.c -- made-up files, whole, cut and damaged, and a few real ones */
/* SPDX-License-Identifier: MIT */
#include "command/program.h"
#include "check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOADER "/lib/ld.so"

/* What goes into a made-up ELF file. */
struct recipe {
	bool wide, big, loader, dynamic, pie;
	uint16_t type, machine;
};

static struct program program;
static unsigned char elf[1024];

static void put(size_t offset, uint64_t number, unsigned size, bool big)
{
	for (unsigned i = 0; i < size; i++)
		elf[offset + (big ? size - 1 - i : i)] = (unsigned char)(number >> 8 * i);
}

static void put_segment(const struct recipe *r, unsigned index, uint32_t type, size_t offset,
			size_t size)
{
	size_t at = 64 + index * (r->wide ? 56u : 32u);
	unsigned word = r->wide ? 8 : 4;

	put(at, type, 4, r->big);
	put(at + word, offset, word, r->big);
	put(at + (r->wide ? 32 : 16), size, word, r->big);
}

/* Header, three program headers at 64, the loader's name at 256, the dynamic section at 300. */
static size_t bake(const struct recipe *r)
{
	unsigned word = r->wide ? 8 : 4;

	memset(elf, 0, sizeof(elf));
	memcpy(elf, ELFMAG, SELFMAG);
	elf[EI_CLASS] = r->wide ? ELFCLASS64 : ELFCLASS32;
	elf[EI_DATA] = r->big ? ELFDATA2MSB : ELFDATA2LSB;
	put(16, r->type, 2, r->big);
	put(18, r->machine, 2, r->big);
	put(r->wide ? 32 : 28, 64, word, r->big);
	put(r->wide ? 54 : 42, r->wide ? 56 : 32, 2, r->big);
	put(r->wide ? 56 : 44, 3, 2, r->big);
	put_segment(r, 0, PT_LOAD, 0, 400);
	if (r->dynamic)
		put_segment(r, 1, PT_DYNAMIC, 300, 6 * word);
	if (r->loader)
		put_segment(r, 2, PT_INTERP, 256, sizeof(LOADER));
	memcpy(elf + 256, LOADER, sizeof(LOADER));
	put(300, DT_SONAME, word, r->big);
	put(300 + 2 * word, DT_FLAGS_1, word, r->big);
	put(300 + 3 * word, r->pie ? DF_1_PIE | DF_1_NOW : DF_1_NOW, word, r->big);
	return 400;
}

/* From memory that ends where the file does, so that the sanitizer catches a read past it. */
static enum program_kind read_bytes(const void *bytes, size_t length)
{
	unsigned char *exact = malloc(length ? length : 1);

	memcpy(exact, bytes, length);
	memset(&program, 0xff, sizeof(program));
	program_read(&program, exact, length);
	free(exact);
	CHECK(memchr(program.interpreter, 0, sizeof(program.interpreter)));
	CHECK(memchr(program.argument, 0, sizeof(program.argument)));
	return program.kind;
}

static enum program_kind kind_of(const struct recipe *recipe)
{
	return read_bytes(elf, bake(recipe));
}

static void check_elf_kinds(void)
{
	for (int form = 0; form < 4; form++) {
		struct recipe r = {.wide = form & 1,
				   .big = form & 2,
				   .type = ET_DYN,
				   .machine = EM_PPC64,
				   .loader = true,
				   .dynamic = true,
				   .pie = true};

		CHECK(kind_of(&r) == PROGRAM_DYNAMIC);
		CHECK(!strcmp(program.interpreter, LOADER));
		CHECK(program.class == (r.wide ? ELFCLASS64 : ELFCLASS32));
		CHECK(program.order == (r.big ? ELFDATA2MSB : ELFDATA2LSB));
		CHECK(program.machine == EM_PPC64);
		r.type = ET_EXEC;
		CHECK(kind_of(&r) == PROGRAM_DYNAMIC);
		r.loader = false;
		CHECK(kind_of(&r) == PROGRAM_STATIC && !program.interpreter[0]);
		r.type = ET_DYN;
		CHECK(kind_of(&r) == PROGRAM_STATIC);
		r.pie = false;
		CHECK(kind_of(&r) == PROGRAM_LIBRARY);
		r.dynamic = false;
		CHECK(kind_of(&r) == PROGRAM_STATIC);
		r.type = ET_REL;
		CHECK(kind_of(&r) == PROGRAM_BROKEN);
		r.type = ET_CORE;
		CHECK(kind_of(&r) == PROGRAM_BROKEN);
	}
}

static enum program_kind kind_with(size_t offset, uint64_t number, unsigned size)
{
	struct recipe r = {.wide = true,
			   .type = ET_DYN,
			   .machine = EM_X86_64,
			   .loader = true,
			   .dynamic = true,
			   .pie = true};
	size_t length = bake(&r);

	put(offset, number, size, false);
	return read_bytes(elf, length);
}

static void check_elf_lies(void)
{
	size_t interp = 64 + 2 * 56, dynamic = 64 + 56;

	CHECK(kind_with(0, 0x7f, 1) == PROGRAM_DYNAMIC);
	CHECK(kind_with(EI_CLASS, 0, 1) == PROGRAM_BROKEN);
	CHECK(kind_with(EI_CLASS, 3, 1) == PROGRAM_BROKEN);
	CHECK(kind_with(EI_DATA, 0, 1) == PROGRAM_BROKEN);
	CHECK(kind_with(EI_DATA, ELFDATA2MSB, 1) == PROGRAM_BROKEN);
	CHECK(kind_with(54, 55, 2) == PROGRAM_BROKEN); /* e_phentsize */
	CHECK(kind_with(56, 0, 2) == PROGRAM_BROKEN);  /* e_phnum */
	CHECK(kind_with(56, 0xffff, 2) == PROGRAM_BROKEN);
	CHECK(kind_with(56, 6, 2) == PROGRAM_DYNAMIC); /* ends at 400, as the file does */
	CHECK(kind_with(56, 7, 2) == PROGRAM_BROKEN);
	CHECK(kind_with(32, 400, 8) == PROGRAM_BROKEN); /* e_phoff */
	CHECK(kind_with(32, UINT64_MAX, 8) == PROGRAM_BROKEN);
	CHECK(kind_with(32, UINT64_MAX - 55, 8) == PROGRAM_BROKEN);
	CHECK(kind_with(interp + 8, 400, 8) == PROGRAM_BROKEN); /* p_offset */
	CHECK(kind_with(interp + 8, UINT64_MAX, 8) == PROGRAM_BROKEN);
	CHECK(kind_with(interp + 32, 0, 8) == PROGRAM_BROKEN); /* p_filesz */
	CHECK(kind_with(interp + 32, 1, 8) == PROGRAM_BROKEN);
	CHECK(kind_with(interp + 32, 5, 8) == PROGRAM_BROKEN); /* no NUL at its end */
	CHECK(kind_with(interp + 32, 4097, 8) == PROGRAM_BROKEN);
	CHECK(kind_with(interp + 32, UINT64_MAX, 8) == PROGRAM_BROKEN);
	/* a dynamic section that is not there cannot say PIE */
	CHECK(kind_with(interp, PT_NULL, 4) == PROGRAM_STATIC);
	put(dynamic + 8, 399, 8, false);
	CHECK(read_bytes(elf, 400) == PROGRAM_LIBRARY);
	put(dynamic + 8, UINT64_MAX, 8, false);
	CHECK(read_bytes(elf, 400) == PROGRAM_LIBRARY);
}

static void check_cut_and_damaged(void)
{
	uint32_t seed = 1;

	for (int form = 0; form < 4; form++) {
		struct recipe r = {.wide = form & 1,
				   .big = form & 2,
				   .type = ET_DYN,
				   .loader = form & 1,
				   .dynamic = true,
				   .pie = true};
		size_t length = bake(&r);

		for (size_t cut = 0; cut < length; cut++)
			CHECK(read_bytes(elf, cut) <= PROGRAM_LIBRARY);
		CHECK(read_bytes(elf, 3) == PROGRAM_OTHER);
		CHECK(read_bytes(elf, 4) == PROGRAM_BROKEN);
		CHECK(read_bytes(elf, 63) == PROGRAM_BROKEN);
	}
	for (int i = 0; i < 20000; i++) {
		struct recipe r = {.wide = i & 1,
				   .big = i & 2,
				   .type = ET_DYN,
				   .loader = i & 4,
				   .dynamic = true,
				   .pie = i & 8};
		size_t length = bake(&r);

		for (int j = 0; j < 1 + i % 3; j++) {
			seed = seed * 1664525 + 1013904223;
			elf[4 + (seed >> 8) % 340] = (unsigned char)(seed >> 24);
		}
		CHECK(read_bytes(elf, length) <= PROGRAM_LIBRARY);
	}
}

static enum program_kind script(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void check_scripts(void)
{
	char line[400];

	CHECK(script("#!/bin/sh\necho\n") == PROGRAM_SCRIPT);
	CHECK(!strcmp(program.interpreter, "/bin/sh"));
	CHECK(script("#! \t/usr/bin/env python3\n") == PROGRAM_SCRIPT);
	CHECK(!strcmp(program.interpreter, "/usr/bin/env"));
	CHECK(!strcmp(program.argument, "python3"));
	CHECK(script("#!/bin/sh") == PROGRAM_SCRIPT && !strcmp(program.interpreter, "/bin/sh"));
	CHECK(script("#!/bin/sh\t-e") == PROGRAM_SCRIPT && !strcmp(program.interpreter, "/bin/sh"));
	CHECK(script("#!/bin/env -S a\t b \t\nc") == PROGRAM_SCRIPT);
	CHECK(!strcmp(program.argument, "-S a\t b"));
	CHECK(script("#!/bin/sh \n-e\n") == PROGRAM_SCRIPT && !program.argument[0]);
	CHECK(script("#!/bin/sh\r\n") == PROGRAM_SCRIPT);
	CHECK(!strcmp(program.interpreter, "/bin/sh\r"));
	CHECK(read_bytes("#!/bin/sh\0x\n", 12) == PROGRAM_SCRIPT);
	CHECK(!strcmp(program.interpreter, "/bin/sh"));
	CHECK(script("") == PROGRAM_OTHER && script("#") == PROGRAM_OTHER);
	CHECK(script("#!") == PROGRAM_OTHER && script("#!\n") == PROGRAM_OTHER);
	CHECK(script("#! \t \n/bin/sh\n") == PROGRAM_OTHER &&
	      script(" #!/bin/sh\n") == PROGRAM_OTHER);
	CHECK(script("echo hello\n") == PROGRAM_OTHER && !program.interpreter[0]);
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	CHECK(read_bytes(line, 255) == PROGRAM_SCRIPT && strlen(program.interpreter) == 253);
	CHECK(read_bytes(line, 256) == PROGRAM_OTHER && read_bytes(line, 400) == PROGRAM_OTHER);
	line[255] = '\n';
	CHECK(read_bytes(line, 400) == PROGRAM_SCRIPT && strlen(program.interpreter) == 253);
	line[255] = 'x';
	line[256] = '\n';
	CHECK(read_bytes(line, 400) == PROGRAM_OTHER);
}

static void check_obstacles(void)
{
	struct program library = {.kind = PROGRAM_LIBRARY,
				  .class = ELFCLASS64,
				  .order = ELFDATA2LSB,
				  .machine = EM_X86_64};
	struct program other = library;

	other.kind = PROGRAM_DYNAMIC;
	CHECK(!program_obstacle(&other, &library) && !program_is_foreign(&other, &library));
	other.set_id = true;
	CHECK(program_obstacle(&other, &library));
	other.kind = PROGRAM_OPAQUE;
	CHECK(program_obstacle(&other, &library));
	other.kind = PROGRAM_OTHER;
	CHECK(!program_obstacle(&other, &library));
	other.kind = PROGRAM_DYNAMIC;
	other.set_id = false;
	other.capabilities = true;
	CHECK(program_obstacle(&other, &library));
	other.capabilities = false;
	other.kind = PROGRAM_STATIC;
	CHECK(program_obstacle(&other, &library) && !program_is_foreign(&other, &library));
	other.kind = PROGRAM_DYNAMIC;
	other.machine = EM_AARCH64;
	CHECK(program_is_foreign(&other, &library) && program_obstacle(&other, &library));
	other.machine = EM_X86_64;
	other.class = ELFCLASS32;
	CHECK(program_is_foreign(&other, &library));
	other.kind = PROGRAM_SCRIPT;
	CHECK(!program_is_foreign(&other, &library) && !program_obstacle(&other, &library));
}

/* A file of this text and mode in the working directory. */
static const char *make(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(name, "w");

	CHECK(file);
	fputs(text, file);
	fclose(file);
	CHECK(!chmod(name, mode));
	return name;
}

/* A file that is cut while it is looked at: its bytes are zeros from then on. */
static void check_shrinking(void)
{
	static char pages[3 * 4096];
	struct mapping mapping;
	int fd = open("shrinks", O_RDWR | O_CREAT, 0600);

	memset(pages, 'x', sizeof(pages));
	CHECK(write(fd, pages, sizeof(pages)) == sizeof(pages));
	CHECK(!mapping_open(&mapping, "shrinks") && mapping.bytes[2 * 4096] == 'x');
	CHECK(!ftruncate(fd, 0));
	CHECK(mapping.bytes[0] == 0 && mapping.bytes[2 * 4096 + 7] == 0);
	mapping_close(&mapping);
	mapping_end();
	close(fd);
}

static void check_files(void)
{
	char folder[] = "/tmp/program_test.XXXXXX", found[PROGRAM_PATH_MAX], here[300];

	CHECK(!program_inspect(&program, "/proc/self/exe"));
	CHECK(program.kind == PROGRAM_DYNAMIC && program.interpreter[0] == '/');
	CHECK(!program.set_id && !program.capabilities);

	CHECK(mkdtemp(folder) && !chdir(folder));
	CHECK(!program_inspect(&program, make("empty", "", 0755)) && program.kind == PROGRAM_OTHER);
	CHECK(program_inspect(&program, "missing") == -ENOENT && program.kind == PROGRAM_OPAQUE);
	CHECK(program_inspect(&program, ".") == -EACCES && program.kind == PROGRAM_OPAQUE);
	memset(found, 'x', sizeof(found));
	found[PROGRAM_PATH_MAX - 1] = '\0';
	CHECK(program_inspect(&program, found) < 0);

	make("a", "#!/proc/self/exe\n", 0755);
	CHECK(!program_inspect(&program, "a") && program.kind == PROGRAM_SCRIPT);
	CHECK(!strcmp(program.interpreter, "/proc/self/exe"));
	CHECK(!mkfifo("fifo", 0755));
	CHECK(program_inspect(&program, "fifo") == -EACCES && program.kind == PROGRAM_OPAQUE);
	check_shrinking();

	make("plain", "", 0644);
	CHECK(!mkdir("sub", 0755) && !mkdir("a-folder", 0755));
	make("sub/both", "", 0755);
	make("both", "", 0755);
	setenv("PATH", "/nowhere:sub:", 1);
	CHECK(program_find(found, "both") && !strcmp(found, "sub/both"));
	CHECK(program_find(found, "a") && !strcmp(found, "a")); /* an empty item is this folder */
	CHECK(!program_find(found, "plain") && !program_find(found, "a-folder"));
	CHECK(!program_find(found, "missing") && !program_find(found, ""));
	CHECK(program_find(found, "./both") && !strcmp(found, "./both"));
	setenv("PATH", "", 1);
	CHECK(program_find(found, "both") && !strcmp(found, "both"));
	snprintf(here, sizeof(here), "%s:%s/sub", "/nowhere", folder);
	setenv("PATH", here, 1);
	CHECK(program_find(found, "both") && strstr(found, "/sub/both"));
	CHECK(!program_find(found, "a"));
	unsetenv("PATH");
	CHECK(program_find(found, "sh") && !strcmp(found, "/bin/sh"));
	for (const char *const *name = (const char *const[]){"empty", "a", "fifo", "shrinks",
							     "plain", "both", "sub/both", NULL};
	     *name; name++)
		CHECK(!unlink(*name));
	CHECK(!rmdir("sub") && !rmdir("a-folder") && !rmdir(folder));
}

int main(void)
{
	check_elf_kinds();
	check_elf_lies();
	check_cut_and_damaged();
	check_scripts();
	check_obstacles();
	check_files();
	return CHECK_DONE("program");
}
