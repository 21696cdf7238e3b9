# What the scenarios of mini-smtpd share; sourced after lib.sh.
# shellcheck shell=bash

# smtp [VARIABLE=VALUE...]: a conversation with mini-smtpd as tcpserver would run it, for a client at 192.0.2.7. The
# client's lines are on fd 0, with LF, which becomes CRLF; the replies are in the file replies, with LF.
smtp() { sed 's/$/\r/' | raw_smtp "$@"; }

# raw_smtp: the same with the bytes as they are.
raw_smtp() {
    local code=0
    env PROTO=TCP TCPREMOTEIP=192.0.2.7 TCPREMOTEPORT=4711 TCPLOCALIP=192.0.2.1 TCPLOCALPORT=25 "$@" \
        timeout 60 mini-smtpd >raw.replies 2>>smtpd.log || code=$?
    cat >/dev/null # what it did not want to hear
    tr -d '\r' <raw.replies >replies
    [ $code = 0 ] || { cat replies smtpd.log >&2; fail "mini-smtpd ended with $code"; }
}

# codes: the replies' codes, in one line.
codes() { grep -oE '^[0-9]{3}( |$)' replies | tr -d '\n ' | sed 's/.../& /g; s/ $//'; }

# expect_codes CODE...: exactly these, the greeting's included.
expect_codes() {
    [ "$(codes)" = "$*" ] || { cat replies >&2; fail "replies $(codes) instead of $*"; }
}

expect_reply() { assert_line "$1" replies; }

# listen_smtp [OPTION...]: one mini-smtpd for many connections; sets SMTP_PORT and SMTPD.
listen_smtp() {
    : >"$SANDBOX/smtpd.log"
    mini-smtpd --listen 127.0.0.1:0 "$@" >>"$SANDBOX/smtpd.log" 2>&1 </dev/null &
    SMTPD=$!
    wait_for 10 "mini-smtpd listens" in_file "^mini-smtpd: listening at 127.0.0.1 port [0-9]+$" "$SANDBOX/smtpd.log"
    SMTP_PORT=$(sed -nE 's/^mini-smtpd: listening at .* port ([0-9]+)$/\1/p' "$SANDBOX/smtpd.log" | tail -n 1)
}

# stop_smtp: ends it in the regular way.
stop_smtp() {
    local code=0
    kill "$SMTPD"
    wait_for 30 "mini-smtpd ends" gone "$SMTPD"
    wait "$SMTPD" || code=$?
    [ "$code" = 0 ] || fail "mini-smtpd --listen ended with $code"
}

# connect NAME: opens a connection to it on the descriptor that the variable NAME gets.
connect() {
    local connected
    exec {connected}<>"/dev/tcp/127.0.0.1/$SMTP_PORT"
    printf -v "$1" %s "$connected"
}

# reply FD: the next whole reply, in REPLY_LINE its last line.
reply() {
    while IFS= read -r -t $((20 * E2E_SLOW)) -u "$1" REPLY_LINE; do
        REPLY_LINE=${REPLY_LINE%$'\r'}
        [[ $REPLY_LINE =~ ^[0-9]{3}- ]] || return 0
    done
    REPLY_LINE=
    return 1
}

# ask FD TEXT CODE: sends a line and expects a reply with that code.
ask() {
    printf '%s\r\n' "$2" >&"$1"
    reply "$1" || fail "no reply to $2"
    [[ $REPLY_LINE == $3* ]] || fail "$2 was answered with $REPLY_LINE"
}

# repeat COUNT TEXT: a line so many times.
repeat() { awk -v n="$1" -v text="$2" 'BEGIN { for (; n > 0; n--) print text }'; }
