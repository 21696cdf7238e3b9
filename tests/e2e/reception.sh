# What the scenarios of run-reception share; sourced by them.
# shellcheck shell=bash
. "$E2E/lib.sh"
. "$E2E/smtpd.sh"

# server [OPTION...]: mini-smtpd with a certificate and the user joe, whose password is pencil; SMTP_PORT, TLS_PORT.
server() {
    export CERTDIR=$SANDBOX/certs
    mkdir -p "$CERTDIR"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2 \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem 2>openssl.log
    cat cert.pem key.pem >"$CERTDIR/servercert.pem"
    chmod 600 "$CERTDIR/servercert.pem"
    install -m 600 /dev/null "$CONTROLDIR/smtpusers"
    echo 'joe:{CRAM}pencil' >"$CONTROLDIR/smtpusers"
    listen_smtp --listen-tls 127.0.0.1:0 "$@"
    wait_for 10 "it listens for TLS" in_file 'with TLS$' smtpd.log
    TLS_PORT=$(sed -nE 's/^mini-smtpd: listening at .* port ([0-9]+) with TLS$/\1/p' smtpd.log)
}

# arrived SUBJECT REGEX: the queue has one message with that subject, and its Received field says so much.
arrived() {
    local files
    files=$(grep -lax -- "Subject: $1" "$QUEUEDIR"/mess/*/* || true)
    [ "$(echo "$files" | wc -w)" = 1 ] || { tail -n 20 smtpd.log >&2; fail "messages with the subject $1: $files"; }
    sed -n '/^Received: qmta smtpd/,/;$/p' "$files" >trace
    assert_line "$2" trace
}
