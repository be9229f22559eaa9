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
.br
.B sigfire check
[\\fB\\-\\-json\\fR] [\\fIOPTION\\fR]...
.br
.B sigfire explain
[\\fB\\-\\-json\\fR] [\\fIOPTION\\fR]...
.br
.B sigfire start
[\\fB\\-c\\fR \\fIFILE\\fR] [\\fB\\-p\\fR \\fIPORT\\fR] [\\fB\\-h\\fR \\fIHOST\\fR] [\\fB\\-P\\fR \\fIPATH\\fR]
[\\fB\\-\\-log\\fR \\fIFILE\\fR] [\\fIOPTION\\fR]...
.br
.B sigfire stop
\\fIPID\\fR|\\fBall\\fR
.br
.B sigfire list
[\\fB\\-t\\fR] [\\fB\\-j\\fR]
.br
.B sigfire info
\\fIPID\\fR [\\fB\\-t\\fR] [\\fB\\-j\\fR]
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
.PP
.B check
takes the same options. It tries the settings, certificates, addresses and files, and prints one line for each finding.
.B explain
prints each setting in use and where it comes from. With
.B \\-\\-json
both print JSON.
.PP
.B start
runs a server in the background, with a parent that restarts it after a failure. \\fB\\-t\\fR shows secrets of the settings,
and \\fB\\-j\\fR prints JSON.
.B stop
drains a server; a second one ends it at once. These commands take \\fB\\-\\-control\\fR \\fIFOLDER\\fR and \\fB\\-\\-help\\fR.
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
The server turns unready, refuses new connections, disconnects its peers over the time of \\fB\\-\\-drain\\fR and ends.
A second signal ends it at once.
.TP
.B SIGHUP
The server reads its settings and certificates again. The log names settings that need a restart.
.TP
.B SIGUSR1
The log becomes one level more verbose.
.TP
.B SIGUSR2
The log has the level of the settings again.
.SH EXIT STATUS
0 after a signal, or if
.B check
finds no error; 1 if an address cannot be listened on, a certificate is of no use, or a
server in the background does not start or answer; 2 after bad usage.
.SH ENVIRONMENT
Each option has a variable: \\fBSIGFIRE_RESUME_WINDOW\\fR is that of \\fB\\-\\-resume\\-window\\fR. The command line
overrides it, and it overrides the file.
.SH FILES
.TP
.I \$XDG_RUNTIME_DIR/sigfire/PID.sock
The control socket of a server in the background.
.TP
.I /etc/sigfire/sigfire.json
The configuration of the system service. Each option can stand there: \\fB\\-\\-resume\\-window 5\\fR is
\\fB"resume_window": 5\\fR.
EOF
