# Daemons that sleep, after a fraction of the usual minute; sourced after lib.sh.
# shellcheck shell=bash

if [ "$(head -c 4 "$BIN/qmta-send" | tr -d '\0')" != $'\x7fELF' ]; then
    skip "only a native program can sleep, and $BIN/qmta-send is a script"
fi
export QMTA_IDLE=200

# asleep PID: nothing but the code that waits: no heap, at two looks.
asleep() {
    waits "$1" && sleep 0.1 && waits "$1"
}

waits() {
    [ "$(process_state "$1")" = S ] && awk '/^VmData:/ { exit $2 < 10000 ? 0 : 1 }' "/proc/$1/status"
}

wait_asleep() { wait_for 15 "process $1 sleeps" asleep "$1"; }

# dirty PID: its private memory in KB.
dirty() { awk '/^Private_Dirty:/ { print $2 }' "/proc/$1/smaps_rollup"; }
