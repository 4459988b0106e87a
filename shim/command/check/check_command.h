/* check_command.h -- `idleflush --check COMMAND`: will it work, and why not */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_COMMAND_H
#define IDLEFLUSH_CHECK_COMMAND_H

/*
 * Prints a report about COMMAND, of which nothing is run: what runs in the end, what it is, and
 * whether the library would be loaded into it, awake, and able to flush what it prints. Returns
 * the exit status: 0 it will work, 1 it will not. Changes this process's environment.
 */
int check_command(char *const *command);

#endif
