#compdef sigfire
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Completes commands and options as the program's own help names them.
_sigfire() {
    local -a options
    case $words[CURRENT-1] in
    --config | --rtc-config | --tls-certificate | --tls-key | --tls-ca | --jwt-key | --key | --turn-secret-file | \
        --webhook-secret-file | --log | --control) _files ;;
    --log-level) compadd -- debug info warn error off ;;
    --webhook-fail) compadd -- open closed ;;
    --forwarded-by) compadd -- x-forwarded forwarded x-real-ip ;;
    --listen) compadd -S '' -- ws:// wss:// tcp:// tls+tcp:// unix: tls+unix: ;;
    *)
        if ((CURRENT > 2)); then
            options=(${(f)"$($words[1] $words[2] --help 2>/dev/null | grep -oE -- '--[a-z0-9-]+' | sort -u)"})
            compadd -- $options
        else
            compadd -- serve check explain start stop list info token --help --version
        fi
        ;;
    esac
}
_sigfire "$@"
