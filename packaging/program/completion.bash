# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Completes commands and options as the program's own help names them.
_sigfire() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local words="serve check explain start stop list info token"
    case $before in
    --config | --rtc-config | --tls-certificate | --tls-key | --tls-ca | --jwt-key | --key | --turn-secret-file | \
        --webhook-secret-file | --log | --control)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-level) words="debug info warn error off" ;;
    --webhook-fail) words="open closed" ;;
    --forwarded-by) words="x-forwarded forwarded x-real-ip" ;;
    --listen) words="ws:// wss:// tcp:// tls+tcp:// unix: tls+unix:" ;;
    *)
        if ((COMP_CWORD > 1)); then
            words=$("${COMP_WORDS[0]}" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--[a-z0-9-]+' | sort -u)
        else
            words+=" --help --version"
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _sigfire sigfire
