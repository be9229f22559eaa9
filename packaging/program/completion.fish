# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Completes commands and options as the program's own help names them.
function __sigfire_options
    set -l words (commandline -opc)
    $words[1] $words[2] --help 2>/dev/null | grep -oE -- '--[a-z0-9-]+' | sort -u
end
complete -c sigfire -f
complete -c sigfire -n __fish_use_subcommand -a 'serve check explain start stop list info token --help --version'
complete -c sigfire -n '__fish_seen_subcommand_from serve check explain start stop list info token' -a '(__sigfire_options)'
for option in config rtc-config tls-certificate tls-key tls-ca jwt-key turn-secret-file webhook-secret-file
    complete -c sigfire -n '__fish_seen_subcommand_from serve check explain start stop list info' -l $option -rF
end
complete -c sigfire -n '__fish_seen_subcommand_from token' -l key -rF
complete -c sigfire -n '__fish_seen_subcommand_from serve check explain start stop list info' -l log-level -xa 'debug info warn error off'
complete -c sigfire -n '__fish_seen_subcommand_from serve check explain start stop list info' -l webhook-fail -xa 'open closed'
complete -c sigfire -n '__fish_seen_subcommand_from serve check explain start stop list info' -l forwarded-by -xa 'x-forwarded forwarded x-real-ip'
complete -c sigfire -n '__fish_seen_subcommand_from serve check explain start stop list info' -l listen -xa 'ws:// wss:// tcp:// tls+tcp:// unix: tls+unix:'
