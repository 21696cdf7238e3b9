using System;
using System.Linq;
using Qmta.Inject;
using Xunit;

namespace Qmta.Tests.Inject;

[Collection("alone")]
public class InjectionTests
{
    [Fact]
    public void MissingFieldsComeFirstAndTheRestIsUntouched()
    {
        const string Message = "X-a:  b  \nTo: joe@example.org\nSUBJECT : c\n d\n\nbody\n\0\nno end";
        Injected injected = Injected.ByInject(Message);
        Assert.EndsWith(Message, injected.Text);
        string[] added = injected.Text[..^Message.Length].Split('\n');
        Assert.Equal(4, added.Length);
        Assert.Matches("^Date: [A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} -0000$", added[0]);
        Assert.Matches("^Message-ID: <[0-9]{20}[.][0-9]+[.]qmail@pi[.]example[.]org>$", added[1]);
        Assert.Equal("From: pi@pi.example.org", added[2]);
        Assert.Equal("pi@pi.example.org", injected.Sender);
        Assert.Equal(["joe@example.org"], injected.Recipients);
    }

    [Fact]
    public void NothingIsAddedToACompleteHeader()
    {
        const string Message = "Date: x\nMessage-ID: <y>\nFrom: a@b.c\nCc: d@e.f\n\n";
        Assert.Equal(Message, Injected.ByInject(Message).Text);
    }

    [Theory]
    [InlineData("To: a\nCc: b\nBcc: c\nApparently-To: d\nFrom: e\nReply-To: f\n\n", "", "a|b|c|d")]
    [InlineData("To: a\nCc: b\n\n", "x y", "x|y")]
    [InlineData("To: a\nCc: b\n\n", "-a x", "x")]
    [InlineData("To: a\nCc: b\n\n", "-h x", "a|b")]
    [InlineData("To: a\nCc: b\n\n", "-H x", "x|a|b")]
    [InlineData("To: a\nCc: b\n\n", "-A", "a|b")]
    [InlineData("To: a\nTo: b\nto: a\n\n", "", "a|b|a")]
    [InlineData("To: a\nResent-To: b\nResent-Cc: c\nResent-Bcc: d\nBcc: e\n\n", "", "b|c|d")]
    public void Recipients(string message, string arguments, string expected) =>
        Assert.Equal(expected.Split('|').Select(box => box + "@pi.example.org"), Injected.ByInject(message, arguments).Recipients);

    [Fact]
    public void QmailInjectTakesArgumentsAsTheyAre() =>
        Assert.Equal(["a,b c@d.pi.example.org"],
            Injected.Of("\n", QmailInject.Parse(["a,b c@d"])).Recipients);

    [Fact]
    public void BlindCopiesReturnPathAndContentLengthAreRemoved()
    {
        Injected injected = Injected.ByInject("Bcc: a\n b\nReturn-Path: <x@y.z>\nContent-Length: 5\nTo: c\n\nBcc: stays\n");
        Assert.Equal("", injected.Field("Bcc") + injected.Field("Return-Path") + injected.Field("Content-Length"));
        Assert.EndsWith("To: c@pi.example.org\n\nBcc: stays\n", injected.Text);
        Assert.Equal("x@y.z", injected.Sender);
    }

    [Theory]
    [InlineData("Bcc: a\n\n", "recipient list not shown: ;")]
    [InlineData("To:\nBcc: a\n\n", "")]
    [InlineData("Cc: a\n\n", "a@pi.example.org")]
    public void CcWhenThereIsNeitherToNorCc(string message, string expected) =>
        Assert.Equal(expected, Injected.ByInject(message).Field("Cc"));

    [Fact]
    public void ForwardedMessages()
    {
        Injected injected = Injected.ByInject("From: them\nResent-Bcc: b\nBcc: c\nSubject: x\n\n");
        Assert.Equal("pi@pi.example.org", injected.Field("Resent-From"));
        Assert.Equal("recipient list not shown: ;", injected.Field("Resent-Cc"));
        Assert.Equal("them@pi.example.org", injected.Field("From"));
        Assert.NotEqual("", injected.Field("Resent-Date"));
        Assert.NotEqual("", injected.Field("Resent-Message-ID"));
        Assert.Equal("", injected.Field("Date") + injected.Field("Message-ID") + injected.Field("Cc")
            + injected.Field("Bcc") + injected.Field("Resent-Bcc"));
    }

    [Theory]
    [InlineData("", "pi@pi.example.org", "pi@pi.example.org")]
    [InlineData("LOGNAME=l", "pi@pi.example.org", "pi@pi.example.org")]
    [InlineData("MAILUSER=m", "m@pi.example.org", "m@pi.example.org")]
    [InlineData("QMAILUSER=q MAILUSER=m", "q@pi.example.org", "q@pi.example.org")]
    [InlineData("MAILHOST=h.x", "pi@h.x", "pi@h.x")]
    [InlineData("QMAILHOST=h MAILHOST=h.x", "pi@h.pi.example.org", "pi@h.pi.example.org")]
    [InlineData("QMAILDEFAULTHOST=d+ QMAILPLUSDOMAIN=plus.x", "pi@d.plus.x", "pi@d.plus.x")]
    [InlineData("QMAILDEFAULTHOST=d QMAILDEFAULTDOMAIN=dom.x", "pi@d.dom.x", "pi@d.dom.x")]
    [InlineData("NAME=Joe_Doe", "Joe Doe <pi@pi.example.org>", "pi@pi.example.org")]
    [InlineData("QMAILNAME=Q MAILNAME=M NAME=N", "Q <pi@pi.example.org>", "pi@pi.example.org")]
    [InlineData("NAME=J._Doe QMAILINJECT=c", "pi@pi.example.org (J. Doe)", "pi@pi.example.org")]
    [InlineData("NAME=J._Doe", "\"J. Doe\" <pi@pi.example.org>", "pi@pi.example.org")]
    [InlineData("USER=j_d", "\"j d\"@pi.example.org", "j d@pi.example.org")]
    [InlineData("QMAILSUSER=s QMAILSHOST=sh", "pi@pi.example.org", "s@sh.pi.example.org")]
    [InlineData("QMAILSUSER=s", "pi@pi.example.org", "s@pi.example.org")]
    [InlineData("QMAILINJECT=r", "pi@pi.example.org", "pi-@pi.example.org-@[]")]
    public void AuthorAndSender(string environment, string from, string sender)
    {
        Injected injected = Injected.ByInject("To: a\n\n", "", environment);
        Assert.Equal(from, injected.Field("From"));
        Assert.Equal(sender, injected.Sender);
    }

    [Fact]
    public void PerMessageSender() =>
        Assert.Matches("^pi-[0-9]+[.][0-9]+@pi[.]example[.]org$", Injected.ByInject("To: a\n\n", "", "QMAILINJECT=m").Sender);

    [Theory]
    [InlineData("Return-Path: <a@b.c>\n", "", "", "a@b.c")]
    [InlineData("Return-Path: <>\n", "", "QMAILSUSER=s", "")]
    [InlineData("Return-Path: <a@b.c>\n", "", "QMAILINJECT=s", "pi@pi.example.org")]
    [InlineData("Return-Path: <a@b.c>\n", "-fx@y.z", "QMAILSUSER=s", "x@y.z")]
    [InlineData("From: a@b.c\nSender: d@e.f\n", "", "", "pi@pi.example.org")]
    [InlineData("", "-f x", "", "x@pi.example.org")]
    [InlineData("", "-f <>", "", "")]
    [InlineData("", "-f #@[]", "", "#@[]")]
    [InlineData("", "-f l-@h-@[]", "", "l-@h-@[]")]
    public void EnvelopeSender(string fields, string arguments, string environment, string expected) =>
        Assert.Equal(expected, Injected.ByInject("To: a\n" + fields + "\n", arguments, environment).Sender);

    [Fact]
    public void LettersDeleteFields()
    {
        const string Message = "From: x\nMessage-Id: <y>\nTo: a\n\n";
        Assert.Equal("pi@pi.example.org", Injected.ByInject(Message, "", "QMAILINJECT=f").Field("From"));
        Assert.Equal("<y>", Injected.ByInject(Message, "", "QMAILINJECT=f").Field("Message-Id"));
        Assert.Contains(".qmail@", Injected.ByInject(Message, "", "QMAILINJECT=i").Field("Message-ID"));
        Assert.Equal("x@pi.example.org", Injected.ByInject("Resent-To: b\n" + Message, "", "QMAILINJECT=fi").Field("From"));
    }

    [Theory]
    [InlineData("hello\nworld", "\nhello\nworld")]
    [InlineData("To: a\nhello", "To: a@pi.example.org\n\nhello")]
    [InlineData("To: a", "To: a@pi.example.org\n")]
    [InlineData("", "recipient list not shown: ;\n")]
    [InlineData("\n", "recipient list not shown: ;\n\n")]
    [InlineData("From joe Thu\nTo: a\n\nb", "MBOX-Line: From joe Thu\nTo: a@pi.example.org\n\nb")]
    [InlineData("To: a\r\nX: y\r\n\r\nb\r\n", "To: a@pi.example.org\r\nX: y\r\n\r\nb\r\n")]
    [InlineData("To: <broken\n\nb", "To: <broken\n\nb")]
    public void Shapes(string message, string end) => Assert.EndsWith(end, Injected.ByInject(message, "x@y.z").Text);

    [Theory]
    [InlineData("To: <broken\n\n", "unable to parse the To field")]
    [InlineData("To: \"a\0b\"@c.d\n\n", "NUL")]
    [InlineData("To: \"a\rb\"@c.d\n\n", "line end")]
    [InlineData("To: \"\"@c.d\n\n", "local part")]
    [InlineData("To: undisclosed-recipients:;\n\n", "no recipients")]
    [InlineData("Return-Path: <broken\nTo: a\n\n", "Return-Path")]
    public void BadMessages(string message, string sentence)
    {
        InjectException wrong = Assert.Throws<InjectException>(() => Injected.ByInject(message));
        Assert.Contains(sentence, wrong.Message);
        Assert.Equal(Failure.Data, wrong.Failure);
    }

    [Fact]
    public void BadEnvironment() =>
        Assert.Throws<InjectException>(() => Injected.ByInject("To: a\n\n", "", "NAME=x\nBcc:_evil@x.y"));

    [Fact]
    public void TheLimitCountsTheWholeMessage()
    {
        Submission submission = QmailInject.Parse(["a"]);
        int length = Injected.Of("\nbody", submission).Text.Length;
        Assert.Equal(length, Injected.Of("\nbody", submission, "", length).Text.Length);
        Assert.Equal(Failure.Data, Assert.Throws<InjectException>(() => Injected.Of("\nbody", submission, "", length - 8)).Failure);
    }

    [Fact]
    public void HundredThousandRecipientsInOneField()
    {
        string list = string.Join(",\n ", Enumerable.Range(0, 100_000).Select(i => "user" + i));
        Injected injected = Injected.ByInject("To: " + list + "\n\n");
        Assert.Equal(100_000, injected.Recipients.Length);
        Assert.Equal("user99999@pi.example.org", injected.Recipients[^1]);
        Assert.Contains("user0@pi.example.org,\n user1@pi.example.org,", injected.Text);
    }

    [Theory]
    [InlineData("To: a, b\nCc: c\n\n", "", "MAXRECIPIENTS=2", "", true)]
    [InlineData("To: a, b\nCc: c\n\n", "", "MAXRECIPIENTS=3", "2", false)]
    [InlineData("To: a, b\nCc: c\n\n", "", "", "2", true)]
    [InlineData("To: a, b\nCc: c\n\n", "", "", "0", false)]
    [InlineData("\n", "-H a b c", "", "2", true)]
    [InlineData("To: a\n\n", "-a b c", "", "2", false)]
    public void NumberOfRecipients(string message, string arguments, string environment, string file, bool refused)
    {
        Submission submission = QmailInject.Parse(arguments.Split(' ', System.StringSplitOptions.RemoveEmptyEntries));
        Injected Run() => Injected.Of(message, submission, environment, 0, ("maxrecipients", file));
        if (!refused) _ = Run();
        else Assert.Equal(Failure.Data, Assert.Throws<InjectException>(Run).Failure);
    }

    [Theory]
    [InlineData("EXT= HOST=pi.example.org", true)]
    [InlineData("EXT=", false)]
    [InlineData("QMAILINJECT_FORCE_SRS=1", true)]
    [InlineData("QMAILINJECT_FORCE_SRS=1 QMAILINJECT_SKIP_SRS=1", false)]
    [InlineData("EXT=a HOST=b QMAILINJECT_SKIP_SRS=1", false)]
    public void SendersOfForwardedMailAreRewritten(string environment, bool rewritten)
    {
        Injected Inject() => Injected.Of("To: a\n\n", QmailInject.Parse(["-f", "ann@else.example"]), environment, 0,
            ("srs_domain", "srs.example\n"), ("srs_secrets", "x\n"));
        // srsfilter, which knows how, is not beside these tests.
        if (rewritten) Assert.Contains("srsfilter ended", Assert.Throws<FormatException>(Inject).Message);
        else Assert.Equal("ann@else.example", Inject().Sender);
        Assert.Equal("ann@else.example", Injected.Of("To: a\n\n", QmailInject.Parse(["-f", "ann@else.example"]), environment).Sender);
    }

    [Fact]
    public void ANoticeOfBouncesIsNotRewritten() =>
        Assert.Equal("", Injected.Of("To: a\n\n", QmailInject.Parse(["-f", ""]), "EXT= HOST=x", 0,
            ("srs_domain", "srs.example\n"), ("srs_secrets", "x\n")).Sender);

    [Theory]
    [InlineData("/nowhere/at/all", "")]
    [InlineData("", "")]
    public void NoListOfListsNoField(string file, string expected)
    {
        Assert.Equal(expected, Injected.ByInject("To: list@example.net\n\n", "", "QMAILMFTFILE=" + file).Field("Mail-Followup-To"));
    }

    [Fact]
    public void AListOfListsThatCannotBeReadIsAnError() =>
        Assert.Throws<Qmta.Posix.PosixException>(() => Injected.ByInject("To: a\n\n", "", "QMAILMFTFILE=/"));

    [Fact]
    public void HeaderBeyondTheBoundIsRefused() =>
        Assert.Contains("longer than", Assert.Throws<InjectException>(() => Injected.ByInject("To: " + new string('a', 11 << 20))).Message);
}
