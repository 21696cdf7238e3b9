# What each caller does, and what must arrive. The recipient is pi, whose address is pi@host.example.
# shellcheck shell=bash disable=SC2016
printf 'Grüße vom Dach\n.\nFrom here on\n  21.5 C\n' >text
printf 'reading 21.5\n.\nFrom the roof\n' >job.out
head -c 3000 /dev/urandom >picture.bin

caller cron cron 'cron: output of a job'
send_cron() {
    mkdir -p /var/spool/cron/crontabs
    printf '%s\n' MAILTO=pi '@reboot cat /var/tmp/job.out' >/var/spool/cron/crontabs/pi
    cp job.out /var/tmp/job.out
    chown pi:crontab /var/spool/cron/crontabs/pi
    chmod 600 /var/spool/cron/crontabs/pi
    rm -f /run/crond.* /var/run/crond.reboot
    # What starts it at boot is nobody's login.
    env -u USER -u LOGNAME cron -f >cron.log 2>&1 &
    wait_for 30 arrived
    kill $!
    rm -f /var/spool/cron/crontabs/pi
}
check_cron() {
    sender pi@host.example
    field '^From: root@host\.example \(Cron Daemon\)$'
    field '^To: pi@host\.example$'
    field '^Subject: Cron <pi@.*> cat /var/tmp/job\.out$'
    body job.out
}

caller at at 'at: output of a job'
send_at() {
    mkdir -p /var/spool/cron/atjobs /var/spool/cron/atspool
    cp job.out /var/tmp/job.out
    env -u USER -u LOGNAME atd -f -b 0 -l 100 >atd.log 2>&1 &
    local atd=$!
    (cd /home/pi && as_pi at now <<<'cat /var/tmp/job.out')
    wait_for 30 arrived
    kill $atd
}
check_at() {
    sender pi@host.example
    field '^Subject: Output from your job +[0-9]+$'
    field '^To: pi@host\.example$'
    body job.out
}

caller php php-cli 'PHP mail() with additional parameters'
send_php() {
    as_pi php -d 'sendmail_path=/usr/sbin/sendmail -t -i' -r '
        exit(mail("Pi <pi@host.example>", "=?UTF-8?B?Rm9ybXVsYXI=?=", file_get_contents("php://stdin"),
            "From: Web <web@host.example>\r\nBcc: pi@host.example\r\nX-Form: contact", "-fbounce@host.example") ? 0 : 1);' <text
    # To and Bcc are two deliveries; one is enough to look at
    wait_for 30 two_arrived && rm -f "$(ls -d "$MAILDIR"/new/* | tail -n 1)"
}
two_arrived() { [ "$(ls "$MAILDIR/new" | wc -l)" = 2 ]; }
check_php() {
    sender bounce@host.example
    field '^From: Web <web@host\.example>$'
    field '^X-Form: contact$'
    field '^Subject: =\?UTF-8\?B\?Rm9ybXVsYXI=\?=$'
    { cat text; echo; } >expected
    body expected
}

caller python python3 'Python: subprocess with -t -oi'
send_python() {
    as_pi python3 -c '
import subprocess, sys
from email.message import EmailMessage
message = EmailMessage()
message["From"] = "sensor@host.example"
message["To"] = "Pi K\u00f6hler <pi@host.example>"
message["Subject"] = "21.5 \u00b0C"
message.set_content(sys.stdin.read(), cte="8bit")
subprocess.run(["/usr/sbin/sendmail", "-t", "-oi"], input=message.as_bytes(), check=True)' <text
}
check_python() {
    sender pi@host.example
    field '^From: sensor@host\.example$'
    field '^Subject: 21\.5 =\?utf-8\?q\?=C2=B0C\?=$'
    field '^Content-Transfer-Encoding: 8bit$'
    body text
}

caller python_bytes python3 'Python: Popen with recipients as arguments'
send_python_bytes() {
    as_pi python3 -c '
import subprocess, sys
p = subprocess.Popen(["sendmail", "-f", "sensor@host.example", "-i", "--", "pi@host.example"], stdin=subprocess.PIPE)
p.communicate(b"Subject: raw\n\n" + sys.stdin.buffer.read())
sys.exit(p.returncode)' <text
}
check_python_bytes() {
    sender sensor@host.example
    field '^From: sensor@host\.example$'
    field '^Subject: raw$'
    body text
}

caller mime_lite libmime-lite-perl 'Perl: MIME::Lite'
send_mime_lite() {
    cp picture.bin /var/tmp/picture.bin
    as_pi perl -MMIME::Lite -e '
        my $message = MIME::Lite->new(From => "perl\@host.example", To => "pi\@host.example", Subject => "picture",
            Type => "multipart/mixed");
        $message->attach(Type => "TEXT", Data => "See the picture.\n");
        $message->attach(Type => "application/octet-stream", Path => "/var/tmp/picture.bin", Encoding => "base64");
        exit($message->send ? 0 : 1);'
}
check_mime_lite() {
    sender perl@host.example
    field '^From: perl@host\.example$'
    field '^Content-Type: multipart/mixed;'
    body_has '^See the picture\.$'
    perl -0777 -MMIME::Base64 -ne '/filename="picture.bin".*?\n\n(.*?)\n--/s and print decode_base64($1)' "$LAST" | cmp - picture.bin ||
        bad "the attachment differs"
}

caller email_sender libemail-sender-perl 'Perl: Email::Sender::Transport::Sendmail'
send_email_sender() {
    as_pi perl -MEmail::Sender::Simple=sendmail -MEmail::Sender::Transport::Sendmail -MEmail::Simple -e '
        local $/; my $text = <STDIN>;
        my $email = Email::Simple->create(header => [From => "perl\@host.example", To => "pi\@host.example",
            Subject => "by Email::Sender"], body => $text);
        sendmail($email, { from => "bounce\@host.example", transport => Email::Sender::Transport::Sendmail->new });' <text
}
check_email_sender() {
    sender bounce@host.example
    field '^From: perl@host\.example$'
    field '^Subject: by Email::Sender$'
    body text
}

caller nodemailer node-nodemailer 'Node: nodemailer with its sendmail transport'
send_nodemailer() {
    as_pi env NODE_PATH=/usr/share/nodejs:/usr/lib/nodejs node -e '
        require("nodemailer").createTransport({ sendmail: true, newline: "unix", path: "/usr/sbin/sendmail" }).sendMail({
            from: "Node <node@host.example>", to: "pi@host.example", subject: "by nodemailer", text: "Hello from the roof.\n" },
            error => { if (error) { console.error(error); process.exit(1); } });'
}
check_nodemailer() {
    sender node@host.example
    field '^From: Node <node@host\.example>$'
    field '^Subject: by nodemailer$'
    body_has '^Hello from the roof\.$'
}

caller mutt mutt 'mutt: a message with an attachment'
send_mutt() {
    cp picture.bin /var/tmp/picture.bin
    printf '%s\n' 'set from="shed@host.example"' 'set realname="The Shed"' 'set use_envelope_from=yes' 'set copy=no' >/var/tmp/muttrc
    as_pi mutt -n -F /var/tmp/muttrc -s 'Grüße' -a /var/tmp/picture.bin -- pi@host.example <text
}
check_mutt() {
    sender shed@host.example
    field '^From: The Shed <shed@host\.example>$'
    field '^Subject: =\?iso-8859-1\?B\?R3L832U=\?='
    field '^Content-Type: multipart/mixed;'
    body_has '^From here on$'
}

caller s_nail s-nail 's-nail'
send_s_nail() {
    as_pi s-nail -n -S sendwait -S sendcharsets=utf-8 -S from=shed@host.example -s 'by s-nail' pi@host.example <text
}
check_s_nail() {
    field '^From: shed@host\.example'
    field '^To: pi@host\.example$'
    field '^Subject: by s-nail$'
    perl -MMIME::QuotedPrint -0777 -ne 's/.*?\n\n//s; print decode_qp($_)' "$LAST" | cmp - text || bad "the body differs"
}

caller bsd_mailx bsd-mailx 'bsd-mailx'
send_bsd_mailx() { as_pi bsd-mailx -s 'by mailx' -a 'X-Shed: yes' pi <text; }
check_bsd_mailx() {
    sender pi@host.example
    field '^Subject: by mailx$'
    field '^X-Shed: yes$'
    field '^To: pi@host\.example$'
    body text
}

caller mailutils mailutils 'GNU mailutils'
# A dot alone ends what it reads.
send_mailutils() { grep -v '^\.$' text | as_pi mail.mailutils -s 'by mailutils' -a 'X-Shed: yes' pi@host.example; }
check_mailutils() {
    sender pi@host.example
    field '^Subject: by mailutils$'
    field '^X-Shed: yes$'
    field '^To: .*pi@host\.example'
    grep -v '^\.$' text >expected
    body expected
}

caller git git-email 'git send-email'
send_git() {
    rm -rf /home/pi/repository
    (
        cd /home/pi
        export GIT_AUTHOR_NAME=Pi GIT_AUTHOR_EMAIL=pi@host.example GIT_COMMITTER_NAME=Pi GIT_COMMITTER_EMAIL=pi@host.example
        as_pi bash -euc '
            git init -q repository
            cd repository
            echo "From the start" >file
            git add file
            git commit -q -m "Add a file" -m "From now on it is there."
            git send-email --quiet --from="Pi <pi@host.example>" --to=pi@host.example --suppress-cc=all --confirm=never \
                --envelope-sender=list@host.example --smtp-server=/usr/sbin/sendmail HEAD -1'
    )
}
check_git() {
    sender list@host.example
    field '^Subject: \[PATCH\] Add a file$'
    field '^X-Mailer: git-send-email '
    body_has '^From now on it is there\.$'
    body_has '^\+From the start$'
}

caller logwatch logwatch 'logwatch: the daily report'
send_logwatch() {
    mkdir -p /var/cache/logwatch /var/tmp/logs
    printf '%s host cron[1]: (pi) CMD (date)\n' "$(date '+%b %e %H:%M:%S')" >/var/log/syslog
    logwatch --output mail --mailto pi@host.example --format text --range all --service cron --detail high
}
check_logwatch() {
    sender root@host.example
    field '^To: pi@host\.example$'
    field '^Subject: Logwatch for '
    body_has 'Logwatch End'
}

caller fail2ban fail2ban 'fail2ban: its mail action'
send_fail2ban() {
    local directory=/var/tmp/fail2ban
    rm -rf $directory
    cp -a /etc/fail2ban $directory
    rm -f $directory/jail.d/*
    : >/var/tmp/auth.log
    printf '%s\n' '[DEFAULT]' 'backend = polling' '[shed]' 'enabled = true' 'filter = sshd' 'logpath = /var/tmp/auth.log' \
        'bantime = 600' 'action = sendmail[name=shed, dest=pi@host.example, sender=fail2ban@host.example, actionstart="", actionstop=""]' \
        >$directory/jail.local
    mkdir -p /run/fail2ban
    local client=(fail2ban-client -c $directory -s /run/fail2ban/callers.sock -p /run/fail2ban/callers.pid)
    printf '%s\n' '[Definition]' 'dbfile = :memory:' 'logtarget = /var/tmp/fail2ban.log' >$directory/fail2ban.local
    "${client[@]}" start
    "${client[@]}" set shed banip 192.0.2.66
    wait_for 30 arrived
    "${client[@]}" stop
}
check_fail2ban() {
    sender fail2ban@host.example
    field '^From: Fail2Ban <fail2ban@host\.example>$'
    field '^Subject: \[Fail2Ban\] shed: banned 192\.0\.2\.66 from '
    body_has '192\.0\.2\.66 has just been banned'
}

caller unattended_upgrades unattended-upgrades 'unattended-upgrades: its report'
send_unattended_upgrades() {
    python3 - <<'SCRIPT'
import importlib.machinery, importlib.util
loader = importlib.machinery.SourceFileLoader("upgrade", "/usr/bin/unattended-upgrade")
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("upgrade", loader))
loader.exec_module(module)
code = module._send_mail_using_sendmail("root", "pi@host.example", "unattended-upgrades result for host",
                                        "Packages that were upgraded:\n libc6\n.\nFrom dpkg\n")
raise SystemExit(code)
SCRIPT
}
check_unattended_upgrades() {
    sender root@host.example
    field '^From: root@host\.example$'
    field '^Subject: unattended-upgrades result for host$'
    body_has '^From dpkg$'
}

caller smartd smartmontools 'smartd: its warning script, through mail'
send_smartd() {
    env SMARTD_MAILER=/usr/share/smartmontools/smartd-runner SMARTD_ADDRESS=pi@host.example SMARTD_ADDRCSV=pi@host.example \
        SMARTD_DEVICE=/dev/sda SMARTD_DEVICESTRING=/dev/sda SMARTD_DEVICETYPE=auto SMARTD_DEVICEINFO='DISK, S/N:1' \
        SMARTD_FAILTYPE=Health SMARTD_MESSAGE='Device: /dev/sda, FAILED SMART self-check. BACK UP DATA NOW!' \
        SMARTD_PREVCNT=0 SMARTD_NEXTDAYS=1 SMARTD_TFIRST="$(date)" SMARTD_TFIRSTEPOCH="$(date +%s)" \
        /usr/share/smartmontools/smartd_warning.sh
}
check_smartd() {
    sender root@host.example
    field '^To: pi@host\.example$'
    field '^Subject: SMART error \(Health\) detected on host: '
    body_has 'FAILED SMART self-check'
}
