# What the scenarios share; each scenario's run script begins with: . "$E2E/lib.sh"
# The runner (run-all) sets: E2E, SCENARIO (its folder), SANDBOX (fresh, the working directory), BIN, TOOLS, E2E_SLOW,
# and QUEUEDIR, CONTROLDIR, HOME, ALIASDIR inside the sandbox; PATH begins with BIN. A scenario's control/, home/ and
# alias/ folders were copied there; control/me is host.example unless it brings its own. A queue exists.
# Everything that takes time is polled, never slept for: emulated programs are twenty times slower (E2E_SLOW=20).
# shellcheck shell=bash
set -euo pipefail
shopt -s nullglob

E2E_SLOW=${E2E_SLOW:-1}
ME=$(cat "$CONTROLDIR/me")
ACCOUNT=$(id -un 2>/dev/null) || ACCOUNT=$USER
LOG=$SANDBOX/send.log
DAEMON=
touch "$LOG"

# ---- outcomes

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# The runner counts exit code 77 as skipped and shows the reason.
skip() {
    echo "skipped: $*"
    exit 77
}

on_error() {
    echo "FAILED: line $2: $1" >&2
}
trap 'on_error "$BASH_COMMAND" "$LINENO"' ERR

# needs PROGRAM [PACKAGE]: skips the scenario when a program it exercises is not there.
needs() {
    command -v "$1" >/dev/null || skip "$1 is not installed (tests/tools/fetch as root gets it)"
}

# ---- waiting

# wait_for SECONDS WHAT COMMAND...: polls the command; fails with WHAT after SECONDS (times E2E_SLOW).
wait_for() {
    local seconds=$(($1 * E2E_SLOW)) what=$2
    shift 2
    local limit=$((SECONDS + seconds + 1))
    until "$@"; do
        if [ $SECONDS -ge $limit ]; then
            fail "not within $seconds s: $what"
        fi
        sleep 0.02
    done
}

gone() { [ ! -d "/proc/$1" ] || [ "$(process_state "$1")" = Z ]; }

process_state() {
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || { echo gone; return; }
    line=${line##*) }
    echo "${line%% *}"
}

# ---- running the mail system

# daemon [OPTION...]: starts qmta-send -d in the background, its log in $LOG, and waits until it has begun.
daemon() {
    local before
    before=$(grep -c '^status: ' "$LOG" || true)
    qmta-send -d "$@" >>"$LOG" 2>&1 </dev/null &
    DAEMON=$!
    wait_for 10 "qmta-send writes its first status line" status_after "$before" "$DAEMON"
}

status_after() {
    if gone "$2"; then
        cat "$LOG" >&2
        fail "qmta-send ended"
    fi
    [ "$(grep -c 'status: ' "$LOG")" -gt "$1" ]
}

# stop [SIGNAL]: ends the daemon in the regular way and checks that it says it went well.
stop() {
    local code=0
    kill -"${1:-TERM}" "$DAEMON"
    wait_for 15 "the daemon ends after ${1:-TERM}" gone "$DAEMON"
    wait "$DAEMON" || code=$?
    DAEMON=
    [ "${1:-TERM}" = KILL ] || [ "$code" = 0 ] || fail "qmta-send -d ended with $code"
}

# one_shot [OPTION...]: one run over the queue; its exit code must be 0.
one_shot() {
    local code=0
    timeout -k 5 $((60 * E2E_SLOW)) qmta-send "$@" >>"$LOG" 2>&1 </dev/null || code=$?
    [ "$code" = 0 ] || { tail -n 20 "$LOG" >&2; fail "one-shot qmta-send ended with $code"; }
}

# kill_all: SIGKILL for every process of this scenario but the script itself.
kill_all() {
    local pid
    for pid in $(session_pids); do
        [ "$pid" = "$$" ] || [ "$pid" = "${BASHPID:-}" ] || kill -KILL "$pid" 2>/dev/null || true
    done
}

# The processes of this scenario's session.
session_pids() {
    local file line session=$$
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue
        # pid (name) state parent group session
        # shellcheck disable=SC2086
        set -- ${line##*) }
        [ "$4" = "$session" ] && echo "${line%% *}"
    done
}

# descendants PID...: those processes' children, grandchildren and so on.
descendants() {
    local file line
    declare -A parent=()
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue
        # shellcheck disable=SC2086
        set -- ${line##*) }
        parent[${line%% *}]=$2
    done
    local pid found=" $DAEMON " again=1
    while [ $again = 1 ]; do
        again=0
        for pid in "${!parent[@]}"; do
            if [[ $found == *" ${parent[$pid]} "* && $found != *" $pid "* ]]; then
                found+="$pid "
                echo "$pid"
                again=1
            fi
        done
    done
}

# ---- mail going in

# message TO [SUBJECT]: a message on fd 1 with the body on fd 0 (or a line when that is a terminal or empty).
message() {
    printf 'From: Sender <sender@%s>\nTo: %s\nSubject: %s\n\n' "$ME" "$1" "${2:-test}"
    cat
}

# send TO...: a short message by sendmail to these recipients.
send() {
    printf 'From: Sender <sender@%s>\nTo: %s\nSubject: test\n\nHello.\n' "$ME" "$1" | sendmail -i -f "sender@$ME" -- "$@"
}

# envelope SENDER RECIPIENT...: what qmail-queue reads on fd 1.
envelope() {
    printf 'F%s\0' "$1"
    shift
    [ $# = 0 ] || printf 'T%s\0' "$@"
    printf '\0'
}

# queue_files MESSAGE ENVELOPE: qmail-queue with two files; its exit code is this function's.
queue_files() {
    qmail-queue <"$1" 1<"$2"
}

# expect_code CODE COMMAND...: the command must end with CODE.
expect_code() {
    local expected=$1 code=0
    shift
    "$@" || code=$?
    [ "$code" = "$expected" ] || fail "exit code $code instead of $expected: $*"
}

# ---- mail arriving

make_maildir() {
    mkdir -p "$1"/{new,cur,tmp}
}

# mails MAILDIR: the files of new mail, one per line.
mails() {
    local file
    for file in "$1"/new/*; do echo "$file"; done
}

count_mails() { mails "$1" | wc -l; }

has_mails() { [ "$(count_mails "$1")" -ge "$2" ]; }

# wait_mails MAILDIR COUNT [SECONDS]
wait_mails() {
    wait_for "${3:-15}" "$2 messages in $1 (log: $LOG)" has_mails "$1" "$2"
    [ "$(count_mails "$1")" = "$2" ] || fail "$(count_mails "$1") messages in $1 instead of $2"
}

# the_mail MAILDIR: the path of its only message.
the_mail() {
    local files=("$1"/new/*)
    [ ${#files[@]} = 1 ] || fail "${#files[@]} messages in $1 instead of one"
    echo "${files[0]}"
}

# body FILE: everything after the first empty line, byte for byte. header FILE: everything before it.
# PHP ends header lines with CR and LF: a line with nothing but a CR is an empty one too.
body() { tail -n +$(($(grep -a -n -m 1 $'^\r\\?$' "$1" | cut -d: -f1) + 1)) "$1"; }
header() { sed -n '/^\r\?$/q;s/\r$//;p' "$1"; }

# assert_body FILE EXPECTED: the body has exactly the expected file's bytes.
assert_body() {
    body "$1" >"$SANDBOX/body.delivered"
    cmp "$SANDBOX/body.delivered" "$2" || fail "the body of $1 differs from $2"
}

# normalised FILE: the message with what differs from run to run replaced by words.
normalised() {
    sed -E -e '1,/^$/{' \
        -e 's/ \(envelope-from [^)]*\)//' \
        -e "s/$ACCOUNT/ACCOUNT/g" \
        -e 's/(queue|network|inject) [0-9]+/\1 PID/; s/qmail [0-9]+/qmail PID/; s/uid [0-9]+/uid UID/' \
        -e 's/[A-Z][a-z]{2}, {1,2}[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [-+][0-9]{4}/DATE/' \
        -e 's/^(Message-I[Dd]:) <[^>]*>/\1 <ID>/' \
        -e '}' "$1"
}

# assert_mail FILE EXPECTED: equal but for dates, numbers and ids.
assert_mail() {
    normalised "$1" | diff "$2" - || fail "$1 is not what $2 says"
}

# in_file REGEX FILE: the file has a line that matches (extended regular expression).
in_file() { grep -aqE -- "$1" "$2"; }

assert_line() {
    in_file "$1" "$2" || { echo "--- $2" >&2; tail -n 30 "$2" >&2; fail "no line of $2 matches $1"; }
}

assert_no_line() {
    ! in_file "$1" "$2" || fail "a line of $2 matches $1: $(grep -aE -m 1 -- "$1" "$2")"
}

logged() { in_file "$1" "$LOG"; }

# wait_log REGEX [SECONDS]
wait_log() { wait_for "${2:-15}" "a log line: $1" logged "$1"; }

assert_log() { assert_line "$1" "$LOG"; }

# ---- the queue

# queue_entries: every file of every message.
queue_entries() {
    find "$QUEUEDIR"/{mess,info,local,remote,todo,intd,bounce,pid} -type f 2>/dev/null
}

queue_is_empty() { [ -z "$(queue_entries)" ]; }

assert_queue_empty() {
    wait_for "${1:-10}" "the queue is empty" queue_is_empty
}

# queued_id: the number of the only message in the queue.
queued_id() {
    local files=("$QUEUEDIR"/mess/*/*)
    [ ${#files[@]} = 1 ] || fail "${#files[@]} messages in the queue instead of one"
    basename "${files[0]}"
}

# new_queue [OPTION...]: a new queue in place of the old.
new_queue() {
    rm -rf "$QUEUEDIR"
    queue-fix "$@" "$QUEUEDIR" >"$SANDBOX/queue-fix.out" 2>&1 || { cat "$SANDBOX/queue-fix.out" >&2; fail "queue-fix $*"; }
}

# ---- the other end of SMTP

# sink [OPTION...]: starts the SMTP sink; sets SINK_PORT; mail arrives in $SANDBOX/sink.
sink() {
    [ -x "$TOOLS/mailsink" ] || skip "the SMTP sink is not built (make artifacts/.sink)"
    mkdir -p "$SANDBOX/sink"
    rm -f "$SANDBOX/sink.port"
    "$TOOLS/mailsink" --port-file "$SANDBOX/sink.port" --dir "$SANDBOX/sink" "$@" >"$SANDBOX/sink.log" 2>&1 &
    SINK=$!
    wait_for 20 "the sink listens" test -s "$SANDBOX/sink.port"
    SINK_PORT=$(cat "$SANDBOX/sink.port")
}

# route_to_sink [DOMAIN...]: smtproutes for these domains (all when there is none).
route_to_sink() {
    local domain
    if [ $# = 0 ]; then
        echo ":127.0.0.1:$SINK_PORT" >"$CONTROLDIR/smtproutes"
    else
        for domain; do echo "$domain:127.0.0.1:$SINK_PORT"; done >"$CONTROLDIR/smtproutes"
    fi
}

# ---- servers of this project

# serve [--tls] PROGRAM [VARIABLE=VALUE...]: starts PROGRAM on a free port of loopback; sets SERVER (its pid) and PORT. Its
# log is $SANDBOX/PROGRAM.log.
serve() {
    local option=--listen program before owner=()
    if [ "$1" = --tls ]; then
        option=--listen-tls
        shift
    fi
    program=$1
    shift
    [ "$(id -u)" != 0 ] || owner=(--user nobody)
    touch "$SANDBOX/$program.log"
    before=$(wc -l <"$SANDBOX/$program.log")
    env "$@" "$program" $option 127.0.0.1:0 "${owner[@]}" >>"$SANDBOX/$program.log" 2>&1 </dev/null &
    SERVER=$!
    PORT=
    wait_for 10 "$program listens" has_port "$SANDBOX/$program.log" "$before"
}

has_port() {
    if gone "$SERVER"; then
        cat "$1" >&2
        fail "the server ended"
    fi
    PORT=$(tail -n "+$(($2 + 1))" "$1" | sed -nE 's/^.*: listening at .* port ([0-9]+)( with TLS)?$/\1/p')
    [ -n "$PORT" ]
}

# end_server: ends the last one that was started.
end_server() {
    kill "$SERVER"
    wait_for 10 "the server ends" gone "$SERVER"
    wait "$SERVER" || true
}

# ---- other people's programs

# name_server OPTION...: dnsmasq on a free port of loopback, which the resolver of qmta asks from now on. It answers for
# .example by its options alone, refuses to answer for all else, and ends with the scenario.
name_server() {
    local dnsmasq=/usr/sbin/dnsmasq port try
    [ -x "$dnsmasq" ] || skip "dnsmasq is not installed (tests/tools/fetch dnsmasq as root gets it)"
    for try in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 20000))
        "$dnsmasq" --keep-in-foreground --conf-file=/dev/null --pid-file= --user= --group= --port=$port \
            --listen-address=127.0.0.1 --bind-interfaces --no-resolv --no-hosts --local=/example/ --log-facility=- \
            "$@" >"$SANDBOX/dnsmasq.log" 2>&1 &
        NAME_SERVER=$!
        wait_for 10 "dnsmasq begins" name_server_decided
        gone "$NAME_SERVER" || break
    done
    gone "$NAME_SERVER" && { cat "$SANDBOX/dnsmasq.log" >&2; fail "dnsmasq does not run ($try attempts)"; }
    export DNSCACHEIP=127.0.0.1:$port
}

name_server_decided() { gone "$NAME_SERVER" || grep -q started "$SANDBOX/dnsmasq.log"; }

# tap: makes $SANDBOX/tap/sendmail, which keeps what a program hands to sendmail in raw.N and its arguments in raw.N.args.
tap() {
    mkdir -p "$SANDBOX/tap"
    cat >"$SANDBOX/tap/sendmail" <<SCRIPT
#!/bin/bash
set -o pipefail
number=1
while ! mkdir "$SANDBOX/tap/\$number" 2>/dev/null; do number=\$((number + 1)); done
printf '%s\n' "\$@" >"$SANDBOX/raw.\$number.args"
tee "$SANDBOX/raw.\$number" | "$BIN/sendmail" "\$@"
SCRIPT
    chmod 755 "$SANDBOX/tap/sendmail"
    TAP=$SANDBOX/tap/sendmail
}

# assert_arrived RAW MAIL: the delivered mail has the raw message's body byte for byte, and each of its header fields
# except Bcc and the ones that sendmail may rewrite into its own form. A raw message whose first line ends in CR and LF
# arrives with line ends of LF (sendmail(8)).
assert_arrived() {
    local raw=$1 mail=$2 line
    body "$raw" >"$SANDBOX/body.raw"
    if head -n 1 "$raw" | grep -q $'\r$'; then sed -i 's/\r$//' "$SANDBOX/body.raw"; fi
    assert_body "$mail" "$SANDBOX/body.raw"
    header "$mail" >"$SANDBOX/header.delivered"
    while IFS= read -r line; do
        case $line in
            [Bb]cc:* | [Ff]rom:* | [Tt]o:* | [Cc]c:* | [Dd]ate:* | [Rr]eturn-[Pp]ath:*) continue ;;
        esac
        grep -aqxF -- "$line" "$SANDBOX/header.delivered" || fail "the header line is missing: $line"
    done < <(header "$raw")
}

# ---- what the SMTP sink received: message N is sink/000N.eml (line ends as LF), its envelope sink/000N.env

sink_mail() { printf '%s/sink/%04d.eml\n' "$SANDBOX" "$1"; }
sink_body() { body "$1"; }
sink_count() { find "$SANDBOX/sink" -name '*.eml' | wc -l; }
sink_has() { [ "$(sink_count)" -ge "$1" ]; }

# sink_wait COUNT [SECONDS]
sink_wait() {
    wait_for "${2:-20}" "$1 messages at the sink" sink_has "$1"
    [ "$(sink_count)" = "$1" ] || fail "$(sink_count) messages at the sink instead of $1"
}
