# Dovecot without a server: a configuration for one ordinary user, its delivery agent and its IMAP process.
# shellcheck shell=bash
LDA=/usr/lib/dovecot/dovecot-lda
IMAP=/usr/lib/dovecot/imap

# dovecot_configuration MAIL-LOCATION
dovecot_configuration() {
    mkdir -p "$SANDBOX/dovecot"
    cat >"$SANDBOX/dovecot.conf" <<EOF
base_dir = $SANDBOX/dovecot
state_dir = $SANDBOX/dovecot
log_path = $SANDBOX/dovecot.log
postmaster_address = postmaster@$ME
hostname = $ME
mail_location = $1
mbox_write_locks = fcntl
ssl = no
namespace inbox {
  inbox = yes
}
EOF
}

# imap COMMAND...: each command is sent to Dovecot's IMAP process; what it answers goes to fd 1.
imap() {
    local n=0 command
    for command; do
        n=$((n + 1))
        printf 'a%d %s\r\n' $n "$command"
    done | cat - <(printf 'zz LOGOUT\r\n') | USER=$ACCOUNT HOME=$HOME "$IMAP" -c "$SANDBOX/dovecot.conf" 2>>"$SANDBOX/imap.err" | tr -d '\r'
}
