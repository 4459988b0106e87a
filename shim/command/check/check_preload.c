/* check_preload.c -- does the loader load the library, beside what else it loads? */
/* SPDX-License-Identifier: MIT */
#include "command/check/check_preload.h"

#include "command/check/process.h"
#include "command/check/report.h"
#include "command/options.h"
#include "command/preload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct program library;

const struct program *check_preload_file(void)
{
	return &library;
}

bool check_preload_library(void)
{
	const char *beside, *path = preload_find_library(&beside), *list = getenv("LD_PRELOAD");
	char other[PROGRAM_PATH_MAX];
	char *extended;
	bool found = false;

	if (!path)
		report_finding(VERDICT_FAILS, "library",
			       PRELOAD_LIBRARY " is not in %s or in " IDLEFLUSH_LIBDIR,
			       beside ? beside : "(/proc is not there)");
	else if (!preload_can_name(path))
		report_finding(VERDICT_FAILS, "library",
			       "%s: LD_PRELOAD cannot name a path with spaces or colons", path);
	else if (program_inspect(&library, path) || library.kind != PROGRAM_LIBRARY)
		report_finding(VERDICT_FAILS, "library", "%s is not a shared library", path);
	else
		found = true;
	if (!found)
		return false;
	if (preload_has_library(list, other, sizeof(other)))
		report_line("library", "%s, by the LD_PRELOAD that is set", other);
	else
		report_line("library", "%s", path);
	extended = preload_extend(list, path);
	options_export("LD_PRELOAD", extended ? extended : path);
	free(extended);
	return true;
}

static bool is_sanitizer(const char *path)
{
	return strstr(path, "libasan.so") || strstr(path, "libclang_rt.asan");
}

static void check_entry(const char *path)
{
	static struct program other;

	if (strchr(path, '/') && access(path, R_OK))
		report_line("preload", "%s is not there: the loader says so and goes on", path);
	else if (strchr(path, '/') && !program_inspect(&other, path) &&
		 program_is_foreign(&other, &library))
		report_line("preload", "%s is for another machine: the loader says so and goes on",
			    path);
	else if (strstr(path, "libstdbuf.so"))
		report_line("preload", "%s: the buffer is then as stdbuf has it", path);
}

/* AddressSanitizer checks the order itself, unless it is told not to. */
static bool check_order(const struct libraries *libraries, const char *list)
{
	const char *options = getenv("ASAN_OPTIONS");
	bool there = libraries_have(libraries, "libasan.so") ||
		     libraries_have(libraries, "libclang_rt.asan");
	bool first = false;
	size_t length;

	for (const char *at = list; (at = preload_next(at, &length)); at += length) {
		char path[PROGRAM_PATH_MAX];

		snprintf(path, sizeof(path), "%.*s", (int)length, at);
		check_entry(path);
		if (!is_sanitizer(path))
			continue;
		first = first || !strncmp(list + strspn(list, PRELOAD_SEPARATORS), path, length);
		there = true;
	}
	if (!there || first || (options && strstr(options, "verify_asan_link_order=0")))
		return false;
	report_finding(VERDICT_FAILS, "preload",
		       "AddressSanitizer will not start: its runtime must come first");
	report_line("", "(LD_PRELOAD=$(gcc -print-file-name=libasan.so) idleflush ...)");
	return true;
}

/* --- another user ----------------------------------------------------------------------------- */

/* A user's number and group by name or number, from /etc/passwd. False: not known. */
static bool find_user(const char *name, uid_t *uid, gid_t *gid)
{
	FILE *passwd = fopen("/etc/passwd", "re");
	size_t length = strcspn(name, ":"), room = 0;
	char *line = NULL;
	bool found = false;

	while (passwd && !found && getline(&line, &room, passwd) > 0) {
		const char *fields = strchr(line, ':');
		unsigned numbers[2];
		char text[16];

		if (!fields || sscanf(fields, ":%*[^:]:%u:%u", &numbers[0], &numbers[1]) != 2)
			continue;
		snprintf(text, sizeof(text), "%u", numbers[0]);
		found = ((size_t)(fields - line) == length && !strncmp(line, name, length)) ||
			(strlen(text) == length && !strncmp(text, name, length));
		*uid = numbers[0];
		*gid = numbers[1];
	}
	free(line);
	if (passwd)
		fclose(passwd);
	return found;
}

static bool allows(const struct stat *file, uid_t uid, gid_t gid, mode_t bit)
{
	if (file->st_uid == uid)
		return file->st_mode & bit << 6;
	return file->st_mode & (file->st_gid == gid ? bit << 3 : bit);
}

/* By the modes of the file and of the folders above it; ACLs are not considered. */
static bool may_read(const char *path, uid_t uid, gid_t gid)
{
	char part[PROGRAM_PATH_MAX];
	struct stat file;

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		snprintf(part, sizeof(part), "%.*s", slash > path ? (int)(slash - path) : 1, path);
		if (stat(part, &file) || !allows(&file, uid, gid, 1))
			return false;
	}
	return !stat(path, &file) && allows(&file, uid, gid, 4);
}

static void check_user(const char *path, const char *user)
{
	uid_t uid;
	gid_t gid;

	if (!find_user(user, &uid, &gid))
		report_line("user", "%s, of whom /etc/passwd knows nothing", user);
	else if (uid && *path == '/' && !may_read(path, uid, gid))
		report_finding(VERDICT_FAILS, "user", "%s may not read %s", user, path);
}

bool check_preload(const struct libraries *libraries, const char *user)
{
	const char *list = getenv("LD_PRELOAD");
	char path[PROGRAM_PATH_MAX];

	if (!list || !preload_has_library(list, path, sizeof(path))) {
		report_finding(VERDICT_FAILS, "preload",
			       "LD_PRELOAD is taken away or replaced on the way");
		return false;
	}
	if (user)
		check_user(path, user);
	return check_order(libraries, list);
}

/* --- a running process that does not have it -------------------------------------------------- */

static void explain_preload(pid_t pid)
{
	char list[PROGRAM_PATH_MAX], place[64];
	size_t length;
	const char *at = list;
	int error = process_variable(pid, "LD_PRELOAD", list, sizeof(list));

	if (error == -ENOENT) {
		report_finding(VERDICT_FAILS, "library",
			       "not loaded: it was started without LD_PRELOAD");
		return;
	}
	if (error) {
		report_finding(VERDICT_UNKNOWN, "library", "not seen, nor its environment: %s",
			       strerror(-error));
		return;
	}
	while ((at = preload_next(at, &length))) {
		char path[PROGRAM_PATH_MAX + sizeof(place)];

		snprintf(path, sizeof(path), "/proc/%d/root%.*s", (int)pid, (int)length, at);
		if (strstr(path, PRELOAD_LIBRARY) && *at == '/' && access(path, F_OK)) {
			report_finding(VERDICT_FAILS, "library",
				       "not loaded: %.*s is not there, as it sees it", (int)length,
				       at);
			return;
		}
		at += length;
	}
	report_finding(VERDICT_FAILS, "library", "not loaded, with LD_PRELOAD=%s", list);
}

void check_preload_of_process(pid_t pid)
{
	static struct program program;
	char path[64];
	const char *beside, *ours = preload_find_library(&beside), *obstacle = NULL;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (ours && !program_inspect(&library, ours) && !program_inspect(&program, path))
		obstacle = program_obstacle(&program, &library);
	if (obstacle)
		report_finding(VERDICT_FAILS, "library", "not loaded: the program %s", obstacle);
	else
		explain_preload(pid);
}
