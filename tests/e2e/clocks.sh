# Clocks that jump, by libfaketime; sourced after lib.sh.
# shellcheck shell=bash

# clocks [suspend]: prepares them, or skips. What set_clock does is a change of the wall clock; with "suspend" it is time
# that passed while the machine slept.
clocks() {
    local libraries=(/usr/lib/*/faketime/libfaketimeMT.so.1)
    [ ${#libraries[@]} -gt 0 ] || skip "libfaketime is not installed (tests/tools/fetch as root gets it)"
    CLOCKS=(LD_PRELOAD="${libraries[0]}" FAKETIME_TIMESTAMP_FILE="$SANDBOX/clock" FAKETIME_NO_CACHE=1 NO_FAKE_STAT=1)
    [ "${1:-}" = suspend ] || CLOCKS+=(DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1)
    set_clock +0
    # Mail for others waits; mail for this user shows that all is well.
    echo ":127.0.0.1:1" >"$CONTROLDIR/smtproutes"
    make_maildir "$HOME/Maildir"
}

# set_clock OFFSET: sets the clock of all programs to so far from the true one: +0, -20000d, +3h.
set_clock() {
    echo "$1" >"$SANDBOX/clock.new"
    mv "$SANDBOX/clock.new" "$SANDBOX/clock"
}

# timed COMMAND...: with that clock.
timed() { env "${CLOCKS[@]}" "$@"; }

# now: the time by that clock.
now() { timed date +%s; }

# timed_daemon: a daemon with that clock.
timed_daemon() {
    local before
    before=$(grep -c '^status: ' "$LOG" || true)
    env "${CLOCKS[@]}" qmta-send -d ./Maildir/ >>"$LOG" 2>&1 </dev/null &
    DAEMON=$!
    wait_for 10 "qmta-send writes its first status line" status_after "$before" "$DAEMON"
}

# timed_send ADDRESS: a message.
timed_send() { printf 'To: %s\nSubject: test\n\nHello.\n' "$1" | timed sendmail -i -f "$ACCOUNT@$ME" -- "$1"; }

# jump OFFSET: sets the clock while the daemon runs, which a kernel would tell it.
jump() {
    set_clock "$1"
    kill -HUP "$DAEMON"
}

attempts() { grep -c 'starting delivery [0-9]*: msg [0-9]* to remote' "$LOG" || true; }
attempted() { [ "$(attempts)" -ge "$1" ] && [ "$(grep -c 'deferral' "$LOG")" -ge "$1" ]; }

# a_message_waits: sends one that has to.
a_message_waits() {
    local before
    before=$(attempts)
    timed_send joe@far.example
    wait_for 15 "the first attempt" attempted $((before + 1))
}

# still_delivers: mail for this user arrives.
still_delivers() {
    local before
    before=$(count_mails "$HOME/Maildir")
    timed_send "$ACCOUNT"
    wait_mails "$HOME/Maildir" $((before + 1))
}

# fresh WHAT: stops the daemon and looks at the message that waits: it is a few minutes old at most by the clock, will be
# tried within the pause after a first attempt, and nobody was told that it failed.
fresh() {
    local id birth due time
    stop
    assert_no_line 'failure|bounce msg' "$LOG"
    id=$(queued_id)
    time=$(now)
    birth=$(stat -c %Y "$QUEUEDIR"/info/*/"$id")
    due=$(stat -c %Y "$QUEUEDIR"/remote/*/"$id")
    [ $((time - birth)) -ge -1 ] && [ $((time - birth)) -le 300 ] || fail "$1: the message is $((time - birth)) s old"
    [ $((due - time)) -ge -1 ] && [ $((due - time)) -le 460 ] || fail "$1: it will be tried in $((due - time)) s"
}
