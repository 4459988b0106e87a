#!/bin/sh
# docker-entrypoint.sh -- gives a container's command the library, and becomes the command
# SPDX-License-Identifier: MIT
#
# Usage: docker-entrypoint.sh COMMAND [ARGUMENT...]
# It execs: COMMAND is PID 1, or the child of tini or `docker run --init`, gets the signals and
# gives the exit status itself. What `docker exec` and health checks run is not its child and
# stays without the library. IDLEFLUSH_DISABLE=1: COMMAND does, too.
set -eu
library=${IDLEFLUSH_LIBRARY:-/usr/local/lib/idleflush/libidleflush.so}

if [ $# -eq 0 ]; then
	echo "docker-entrypoint.sh: no command; the image needs a CMD" >&2
	exit 125
fi

if [ "${IDLEFLUSH_DISABLE:-0}" != 1 ]; then
	if [ ! -r "$library" ]; then
		echo "docker-entrypoint.sh: no $library; lines may come late" >&2
	else
		case ":${LD_PRELOAD:-}:" in
		*[:\ ]"$library"[:\ ]*) ;;
		*) export LD_PRELOAD="${LD_PRELOAD:+$LD_PRELOAD:}$library" ;;
		esac
	fi
fi
exec "$@"
