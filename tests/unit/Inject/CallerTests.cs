// What the programs that send mail write and how they call sendmail: the envelope and the header that become of it.
using System;
using Xunit;

namespace Qmta.Tests.Inject;

[Collection("alone")]
public class CallerTests
{
    private static void Check(string arguments, string message, string sender, string recipients, string from, string to)
    {
        Injected injected = Injected.BySendmail(message, arguments.Split(' '));
        Assert.Equal(sender, injected.Sender);
        Assert.Equal(recipients, string.Join(' ', injected.Recipients));
        Assert.Equal(from, injected.Field("From"));
        Assert.Equal(to, injected.Field("To"));
        Assert.NotEqual("", injected.Field("Date"));
        Assert.Matches("^<.+@.+>$", injected.Field("Message-ID"));
        Assert.Equal("", injected.Field("Bcc"));
        string body = message[message.IndexOf("\n\n", StringComparison.Ordinal)..];
        Assert.EndsWith(body, injected.Text);
    }

    [Fact]
    public void DebianCron() => Check(
        "-i -FCronDaemon -B8BITMIME -oem root",
        "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@pi> test -x /usr/bin/backup && backup\nMIME-Version: 1.0\n"
        + "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n"
        + "X-Cron-Env: <HOME=/root>\n\nbackup: 3 files\n.\nFrom here on\n",
        "pi@pi.example.org", "root@pi.example.org", "root@pi.example.org (Cron Daemon)", "root@pi.example.org");

    [Fact]
    public void VixieCron() => Check(
        "-FCronDaemon -i -odi -oem -oi -t -f root",
        "From: \"(Cron Daemon)\" <root>\nTo: admin@example.net\nSubject: Cron <root@pi> date\nPrecedence: bulk\n\nFri Nov 20\n",
        "root@pi.example.org", "admin@example.net", "\"(Cron Daemon)\" <root@pi.example.org>", "admin@example.net");

    [Fact]
    public void Mutt() => Check(
        "-oem -oi -f joe@example.org -- fred@example.net jane@example.com",
        "Date: Fri, 20 Nov 2026 06:00:00 +0100\nFrom: Joe Doe <joe@example.org>\nTo: Fred <fred@example.net>\n"
        + "Cc: jane@example.com\nSubject: Re: =?utf-8?B?R3LDvMOfZQ==?=\nMessage-ID: <Zz1KkQ8r2@pi.example.org>\n"
        + "References: <a@b>\n <c@d>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: inline\n"
        + "Content-Transfer-Encoding: 8bit\nIn-Reply-To: <c@d>\n\nGr\u00c3\u00bc\u00c3\u009fe\n\n.\n-- \nJoe\n",
        "joe@example.org", "fred@example.net jane@example.com", "Joe Doe <joe@example.org>", "Fred <fred@example.net>");

    [Fact]
    public void SNail() => Check(
        "-i -- fred@example.net",
        "Date: Fri, 20 Nov 2026 06:00:00 +0000\nTo: fred@example.net\nSubject: disk\nMessage-ID: <20261120060000.ab1-%pi@pi>\n"
        + "User-Agent: s-nail v14.9.24\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"
        + "Content-Transfer-Encoding: 7bit\n\n/dev/sda1 91%\n",
        "pi@pi.example.org", "fred@example.net", "pi@pi.example.org", "fred@example.net");

    [Fact]
    public void BsdMailx() => Check(
        "-i root joe@example.org",
        "To: root, joe@example.org\nSubject: a b\nMIME-Version: 1.0\nContent-Type: text/plain; charset=\"UTF-8\"\n"
        + "Content-Transfer-Encoding: 8bit\n\n~h\n.\n",
        "pi@pi.example.org", "root@pi.example.org joe@example.org", "pi@pi.example.org", "root@pi.example.org, joe@example.org");

    [Fact]
    public void Mailutils() => Check(
        "-oi -f pi@pi -t",
        "To: <root@pi>\nBcc: <hidden@example.net>\nSubject: hello\nUser-Agent: mail (GNU Mailutils 3.15)\n"
        + "Date: Fri, 20 Nov 2026 06:00:00 +0000\nMessage-Id: <E1q@pi>\n\nbody\n",
        "pi@pi.pi.example.org", "root@pi.pi.example.org hidden@example.net", "pi@pi.pi.example.org", "<root@pi.pi.example.org>");

    [Fact]
    public void PhpMail() => Check(
        "-t -i -fbounce@shop.example",
        "To: Jane <jane@example.com>, joe\nSubject: =?UTF-8?Q?Bestellung_=E2=82=AC?=\nX-PHP-Originating-Script: 33:order.php\n"
        + "From: Shop <shop@shop.example>\r\nReply-To: shop@shop.example\r\nBcc: archive@shop.example\r\nMIME-Version: 1.0\n\n"
        + "Danke!\r\n.\r\n",
        "bounce@shop.example", "jane@example.com joe@pi.example.org archive@shop.example", "Shop <shop@shop.example>",
        "Jane <jane@example.com>, joe@pi.example.org");

    [Fact]
    public void GitSendEmail() => Check(
        "-i list@example.net maintainer@example.com joe@example.org",
        "From: Joe Doe <joe@example.org>\nTo: list@example.net\nCc: Maintainer <maintainer@example.com>,\n\tJoe Doe <joe@example.org>\n"
        + "Subject: [PATCH 1/2] build: From now on\nDate: Fri, 20 Nov 2026 06:00:00 +0000\n"
        + "Message-ID: <20261120060000.1-1-joe@example.org>\nX-Mailer: git-send-email 2.39.5\nMIME-Version: 1.0\n"
        + "Content-Transfer-Encoding: 8bit\n\nFrom the start.\n---\n a | 2 +-\n\n.\n-- \n2.39.5\n\n",
        "pi@pi.example.org", "list@example.net maintainer@example.com joe@example.org", "Joe Doe <joe@example.org>", "list@example.net");

    [Fact]
    public void PythonRecipe() => Check(
        "-t -oi",
        "Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: 7bit\nMIME-Version: 1.0\nFrom: sensor@pi\n"
        + "To: a@example.org,\n b@example.org\nSubject: 21.5 C\n\nwarm\n",
        "pi@pi.example.org", "a@example.org b@example.org", "sensor@pi.pi.example.org", "a@example.org,");

    [Fact]
    public void TypedAtATerminal()
    {
        Injected injected = Injected.BySendmail("Subject: hi\n\nhello\n.\nls\n", "-v", "root");
        Assert.EndsWith("\nSubject: hi\n\nhello\n", injected.Text);
        Assert.Equal("recipient list not shown: ;", injected.Field("Cc"));
    }
}
