#!/bin/sh
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# man.sh PROGRAM: writes the manual page of the program; its options are those that its help names.
set -eu
version=$("$1" --version)
help=$("$1" serve --help)
cat <<EOF
.TH SIGFIRE 1 "" "sigfire $version" "User Commands"
.SH NAME
sigfire \\- signaling server for WebRTC peers, games, robots and processes
.SH SYNOPSIS
.B sigfire serve
[\\fIOPTION\\fR]...
.br
.B sigfire token
\\fB\\-\\-key\\fR \\fIFILE\\fR [\\fIOPTION\\fR]...
.SH DESCRIPTION
The server carries the few messages by which peers find each other and set up a connection of their own. Clients of
Signal\\-Fire, PeerJS, y\\-webrtc and socket\\-signal work as they are.
.PP
The server prints
.B listening on
and the address for each listener once it accepts connections. It logs JSON lines on standard error.
.PP
.B sigfire token
signs a token for a test and prints it; see
.BR "sigfire token \\-\\-help" .
.SH OPTIONS OF SERVE
EOF
# A line that begins with a dash is an option; lines below it are its description.
printf '%s\n' "$help" | awk '
    function clean(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); sub(/^ +/, "", s); return s }
    /^ +-/ {
        sub(/^ +/, "")
        split($0, part, /  +/)
        print ".TP\n.B " clean(part[1])
        rest = substr($0, length(part[1]) + 1)
        if (rest ~ /[^ ]/) print clean(rest)
        within = 1
        next
    }
    within && /^ +[^ ]/ { print clean($0) }'
cat <<EOF
.SH SIGNALS
.TP
.B SIGINT, SIGTERM
The server closes all connections and ends within 5 s. A second signal ends it at once.
.TP
.B SIGHUP
The server reads its certificates and the keys of tokens again.
.SH EXIT STATUS
0 after a signal; 1 if an address cannot be listened on or a certificate or a key is of no use; 2 after bad usage.
.SH FILES
.TP
.I /etc/sigfire/sigfire.json
The configuration of the system service. Each option can stand there: \\fB\\-\\-resume\\-window 5\\fR is
\\fB"resume_window": 5\\fR.
EOF
