# What the crash tests share: a fresh directory with a copy of the programs, a queue, control files and a Maildir; started
# as root, the test goes on as uid 65534. Source it first; it ends with the test running inside.
# shellcheck shell=bash
set -euo pipefail
shopt -s nullglob

if [ "${CRASH_TOP:-}" = "" ]; then
    bin=$(dirname "$(readlink -f "$0")")/../../artifacts/bin
    for ((i = 1; i <= $#; i++)); do
        if [ "${!i}" = --bin ]; then
            i=$((i + 1))
            bin=${!i}
        fi
    done
    bin=$(readlink -f "$bin")
    CRASH_TOP=$(mktemp -d "${TMPDIR:-/tmp}/qmta-crash.XXXXXX")
    chmod 755 "$CRASH_TOP"
    cp -a "$bin" "$CRASH_TOP/bin"
    cp -a "$(dirname "$(readlink -f "$0")")" "$CRASH_TOP/crash"
    if [ -d "$bin/../tests" ]; then cp -a "$bin/../tests" "$CRASH_TOP/sink"; fi
    mkdir -p "$CRASH_TOP"/work/{control,alias,home/Maildir/{new,cur,tmp},sink}
    echo host.example >"$CRASH_TOP/work/control/me"
    chmod -R go+rX "$CRASH_TOP"
    dotnet=$(readlink -f "$(command -v dotnet || true)")
    work=$CRASH_TOP/work
    environment=(
        CRASH_TOP="$CRASH_TOP" PATH="$CRASH_TOP/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C TZ=UTC
        QUEUEDIR="$work/queue" CONTROLDIR="$work/control" HOME="$work/home" ALIASDIR="$work/alias"
        USER="${USER:-operator}" DOTNET_ROOT="${DOTNET_ROOT:-${dotnet%/*}}"
    )
    as=()
    if [ "$(id -u)" = 0 ]; then
        chown -R 65534:65534 "$work"
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    fi
    code=0
    env -i "${environment[@]}" "${as[@]}" bash "$CRASH_TOP/crash/$(basename "$0")" "$@" || code=$?
    if [ $code = 0 ]; then rm -rf "$CRASH_TOP"; else echo "left for looking at: $CRASH_TOP"; fi
    exit $code
fi

cd "$CRASH_TOP/work"
ACCOUNT=$(id -un 2>/dev/null) || ACCOUNT=$USER
queue-fix "$QUEUEDIR" >queue-fix.out 2>&1 || { cat queue-fix.out >&2; exit 1; }

# Messages that the scheduler still has work with; what a killed qmail-queue left half-written is not among them.
pending() {
    find "$QUEUEDIR"/{todo,info,local,remote} -type f | wc -l
}

# end_session SESSION: SIGKILL for every process of a session, until none is left.
end_session() {
    local file line again=1
    while [ $again = 1 ]; do
        again=0
        # Its first process may not have begun the session yet.
        kill -KILL "$1" 2>/dev/null || true
        kill -KILL -- "-$1" 2>/dev/null || true
        for file in /proc/[0-9]*/stat; do
            { read -r line <"$file"; } 2>/dev/null || continue
            # pid (name) state parent group session
            # shellcheck disable=SC2086
            set -- "$1" "${line%% *}" ${line##*) }
            if [ "$6" = "$1" ] && [ "$3" != Z ]; then
                kill -KILL "$2" 2>/dev/null || true
                again=1
            fi
        done
    done
}
