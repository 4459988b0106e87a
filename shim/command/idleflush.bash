# idleflush.bash -- bash completion: the options, their values, then COMMAND's own
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # split and words are _init_completion's

# The options as --help prints them: a short one, --long, --long= where it takes a value.
_idleflush_options() {
	"$1" --help 2>/dev/null |
		grep -oE -- '^ +(-[a-z],)? +--[a-z-]+=?' | tr -d ' ' | tr ',' '\n'
}

_idleflush() {
	local cur prev words cword split i
	_init_completion -s || return

	# The first word that is neither an option nor the value of one is COMMAND.
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--stats | --*=*) ;;
		-[imb] | --idle | --max-age | --heartbeat | --buffer | --signals | --start | --runtimes | --files | --only | --pid | --copy-to)
			((i++))
			;;
		-*) ;;
		*)
			_command_offset "$i"
			return
			;;
		esac
	done

	case $prev in
	--start)
		mapfile -t COMPREPLY < <(compgen -W "constructor server threads" -- "$cur")
		return
		;;
	--signals)
		mapfile -t COMPREPLY < <(compgen -W "all none TERM INT HUP QUIT USR1 USR2 PIPE ALRM SEGV BUS FPE ILL ABRT SYS" -- "$cur")
		return
		;;
	--stats)
		if [[ $split == true ]]; then
			_filedir
			return
		fi
		;;
	--runtimes)
		mapfile -t COMPREPLY < <(compgen -W "all none c++ perl ocaml python" -- "$cur")
		return
		;;
	--files)
		_filedir
		return
		;;
	--copy-to)
		_filedir -d
		return
		;;
	--pid)
		mapfile -t COMPREPLY < <(compgen -W "$(command ps axo pid=)" -- "$cur")
		return
		;;
	-[imb] | --idle | --max-age | --heartbeat | --buffer | --only)
		return
		;;
	esac

	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_idleflush_options "$1")" -- "$cur")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	else
		_command_offset "$cword"
	fi
} &&
	complete -F _idleflush idleflush
