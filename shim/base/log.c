/* log.c -- diagnostics and statistics: a fixed buffer and one raw write, never stdio */
/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/fd_table.h"
#include "base/platform.h"

#include <sys/stat.h>

bool log_debug_on;

/* The file of stderr at the start; 0: closed, or never written to. Set by the constructor. */
static dev_t stderr_device;
static ino_t stderr_file;

void log_begin(struct log_line *line)
{
	line->length = 0;
	log_text(line, "idleflush: ");
}

void log_text(struct log_line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text) - 1)
		line->text[line->length++] = *text++;
}

void log_number(struct log_line *line, int64_t number)
{
	char digits[24];
	char *at = digits + sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	*--at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--at = '-';
	log_text(line, at);
}

void log_use_stderr(void)
{
	struct stat file;

	if (syscall(SYS_fstat, STDERR_FILENO, &file) < 0)
		return;
	stderr_device = file.st_dev;
	stderr_file = file.st_ino;
}

/* Descriptor 2 may be a connection by now, or a data file. `fd`: its number in our own table. */
static bool is_stderr_still(int fd)
{
	struct stat file;

	return stderr_file && syscall(SYS_fstat, fd, &file) == 0 && file.st_dev == stderr_device &&
	       file.st_ino == stderr_file;
}

void log_send(struct log_line *line, int fd)
{
	struct pollfd room = {.fd = fd <= STDERR_FILENO ? fd_table_borrow(fd) : fd,
			      .events = POLLOUT};
	bool is_for_us = fd != STDERR_FILENO || is_stderr_still(room.fd);

	line->text[line->length++] = '\n';
	if (is_for_us && platform_poll_now(&room, 1) == 1 && room.revents == POLLOUT)
		platform_write(room.fd, line->text, line->length);
	if (room.fd != fd)
		fd_table_give_back(room.fd);
}

void log_set_debug(bool on)
{
	log_debug_on = on;
}

void log_debug(const char *what)
{
	struct log_line line;
	int saved_errno;

	if (!log_debug_on)
		return;
	saved_errno = errno;
	log_begin(&line);
	log_text(&line, what);
	log_send(&line, STDERR_FILENO);
	errno = saved_errno;
}
