/* check_settings.h -- what the settings will do in the program */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_SETTINGS_H
#define IDLEFLUSH_CHECK_SETTINGS_H

#include "command/check/resolve_command.h"
#include "shared/config.h"

/* Reads them as the library will and reports them, first those that are wrong or without effect. */
void check_settings(struct config *config, const struct resolved_command *resolved);

#endif
