# An installed system with its users, for scenarios that run as root; sourced after lib.sh, by their script "inside".
# shellcheck shell=bash

# enter_system: runs the scenario's script "inside" in a mount namespace of its own; for the script "run".
enter_system() {
    unshare -m true 2>/dev/null || skip "unshare -m is not allowed here"
    if [ "$(head -c 4 "$BIN/qmail-queue" | tr -d '\0')" != $'\x7fELF' ]; then
        skip "a setuid qmail-queue must be a native program, and $BIN/qmail-queue is a script"
    fi
    exec unshare -m bash "$SCENARIO/inside"
}

# install_system: /etc, /var and /usr/local become this scenario's; users, programs, a queue; alice and bob have Maildirs.
install_system() {
    local directory user
    mount --make-rprivate /
    mkdir over
    mount -t tmpfs -o mode=755 tmpfs over
    for directory in etc var usr/local; do
        mkdir -p "over/$directory/upper" "over/$directory/work"
        mount -t overlay overlay -o "lowerdir=/$directory,upperdir=$SANDBOX/over/$directory/upper,workdir=$SANDBOX/over/$directory/work" "/$directory"
    done
    cat >>/etc/group <<'GROUP'
qmail:x:2107:
qmtanofiles:x:2108:
alice:x:2201:
bob:x:2202:
GROUP
    cat >>/etc/passwd <<PASSWD
qmailq:x:7796:2107::/var/indimail:/bin/false
qmailr:x:7797:2107::/var/indimail:/bin/false
alias:x:7798:2108::/var/indimail/alias:/bin/false
qmaild:x:7799:2108::/var/indimail:/bin/false
alice:x:2201:2201::$SANDBOX/alice:/bin/sh
bob:x:2202:2202::$SANDBOX/bob:/bin/sh
PASSWD
    rm -rf /var/indimail /etc/indimail
    mkdir -p /etc/indimail/control /etc/indimail/certs /var/indimail/queue /var/indimail/alias
    echo host.example >/etc/indimail/control/me
    cp -a "$BIN" /usr/local/qmta
    chown -R root:root /usr/local/qmta
    chown qmailq:qmail /usr/local/qmta/qmail-queue
    chmod 4711 /usr/local/qmta/qmail-queue
    export PATH=/usr/local/qmta:$PATH
    unset ALIASDIR
    export QUEUEDIR=/var/indimail/queue/qmta CONTROLDIR=/etc/indimail/control HOME=/root
    queue-fix "$QUEUEDIR" >queue-fix.out 2>&1 || { cat queue-fix.out >&2; fail "queue-fix"; }
    for user in alice bob; do
        mkdir -p $user
        make_maildir $user/Maildir
        chown -R $user:$user $user
        chmod 700 $user
    done
    echo bob >/var/indimail/alias/.qmail-root
    chown -R alias:qmtanofiles /var/indimail/alias
}

# as USER COMMAND...: with that user's rights and environment, and nothing else.
as() {
    local user=$1
    shift
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env -i PATH="$PATH" HOME="$SANDBOX/$user" USER="$user" \
        LOGNAME="$user" "$@"
}

# mail_from USER TO [BODY]: a short message by sendmail.
mail_from() { printf 'Subject: test\n\n%s\n' "${3:-Hello.}" | as "$1" sendmail -i -- "$2"; }

# start_send: the daemon as root starts it.
start_send() {
    qmta-send -d ./Maildir/ >>"$LOG" 2>&1 </dev/null &
    DAEMON=$!
    wait_log '^status: '
}

# find_process UID NAME: the pid of a process below the daemon; fails without one.
find_process() {
    local pid
    for pid in "$DAEMON" $(descendants "$DAEMON"); do
        [ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status" 2>/dev/null)" = "$1" ] || continue
        [[ $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *"$2"* ]] && { echo "$pid"; return; }
    done
    return 1
}
