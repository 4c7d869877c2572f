# SPDX-License-Identifier: GPL-2.0
# bash completion for rill(8); options are read from each command's own --help.

_rill_options() {
	rill "$1" --help 2> /dev/null | sed -n 's/^ \{2,6\}-/-/p' |
		sed 's/  .*//; s/, /\n/' | sed 's/[= [].*//'
}

_rill() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'run stat listen connect ping perf --help' -- "$cur")
		return
	fi
	if [ "${COMP_WORDS[1]}" = run ]; then
		# the program's own arguments complete as they do without us
		for ((i = 2; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == -* ]] && continue
			if declare -F _command_offset > /dev/null; then
				_command_offset "$i"
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			fi
			return
		done
		[[ $cur == -* ]] || { mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return; }
	fi
	case $prev in
	--vs) mapfile -t COMPREPLY < <(compgen -W tcp -- "$cur"); return;;
	-c) [ "${COMP_WORDS[1]}" != perf ] ||
		{ mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur"); return; };;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_rill_options "${COMP_WORDS[1]}")" -- "$cur")
	elif [[ ${COMP_WORDS[1]} == connect || ${COMP_WORDS[1]} == ping ]]; then
		mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
	fi
}

complete -F _rill rill
