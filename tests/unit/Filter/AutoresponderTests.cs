using System;
using Qmta.Filter;
using Qmta.Message;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Filter;

public sealed class AutoresponderTests
{
    private static MessageHeader Header(string text)
    {
        MessageHeader header = new();
        header.Add(Latin1.Bytes(text));
        header.End();
        return header;
    }

    private const string Plain = "From: Joe <joe@example.com>\nTo: Ann <ann@example.org>\nSubject: Hello\nMessage-ID: <1@example.com>\n";

    private static string? Reluctance(string extra = "", string sender = "joe@example.com", string recipient = "ann@example.org", bool lax = false) =>
        Autoresponder.Reluctance(Header(Plain + extra + "\nbody\n"), sender, recipient, lax);

    [Fact]
    public void AnOrdinaryMessageIsAnswered() => Assert.Null(Reluctance());

    [Theory]
    [InlineData("Auto-Submitted: no\n")]
    [InlineData("Auto-Submitted: No (really)\n")]
    [InlineData("Precedence: first-class\n")]
    [InlineData("X-Bogosity: Unsure, tests=bogofilter\n")]
    [InlineData("X-Auto-Response-Suppress: None\n")]
    [InlineData("Listing: 1\n")]
    public void TheseDoNotPreventAnAnswer(string field) => Assert.Null(Reluctance(field));

    [Theory]
    [InlineData("Auto-Submitted: auto-replied\n")]
    [InlineData("auto-submitted: AUTO-GENERATED; x=y\n")]
    [InlineData("Auto-Submitted:\n auto-notified\n")]
    [InlineData("Auto-Submitted: nonsense\n")]
    [InlineData("List-Id: <x.example>\n")]
    [InlineData("LIST-UNSUBSCRIBE: <mailto:x@example>\n")]
    [InlineData("Mailing-List: contact x\n")]
    [InlineData("Precedence: bulk\n")]
    [InlineData("Precedence: Junk\n")]
    [InlineData("Precedence: list\n")]
    [InlineData("X-Auto-Response-Suppress: OOF, AutoReply\n")]
    [InlineData("X-Bogosity: Yes, tests=bogofilter\n")]
    [InlineData("X-Spam-Flag: YES\n")]
    public void TheseDo(string field) => Assert.NotNull(Reluctance(field));

    [Theory]
    [InlineData("")]
    [InlineData("#@[]")]
    [InlineData("joe")]
    [InlineData("list-@example.com-@[]")]
    [InlineData("MAILER-DAEMON@example.com")]
    [InlineData("owner-list@example.com")]
    [InlineData("list-owner@example.com")]
    [InlineData("list-request@example.com")]
    [InlineData("list-bounces@example.com")]
    [InlineData("list-bounces+ann=example.org@example.com")]
    [InlineData("list-return-12-ann=example.org@example.com")]
    [InlineData("No-Reply@example.com")]
    [InlineData("Ann@Example.org")]
    public void TheseSendersAreNotAnswered(string sender) => Assert.NotNull(Reluctance(sender: sender));

    [Fact]
    public void TheHeaderNamesTheRecipientUnlessLax()
    {
        Assert.NotNull(Reluctance(recipient: "bob@example.org"));
        Assert.Null(Reluctance(recipient: "bob@example.org", lax: true));
        Assert.Null(Reluctance("Cc: x@y.example, Bob <BOB@Example.org>\n", recipient: "bob@example.org"));
        Assert.Null(Reluctance("Resent-To: bob@example.org\n", recipient: "bob@example.org"));
        Assert.NotNull(Reluctance("Cc: <broken, bob@example.org\n", recipient: "bob@example.org"));
    }

    private static string Composed(string text, string extra = "", Action<Autoresponder.Options>? set = null, string sender = "joe@example.com")
    {
        Autoresponder.Options options = new();
        set?.Invoke(options);
        return Autoresponder.Compose(options, Header(Plain + extra + "\nbody\n"), text, sender, "ann@example.org", 1_795_158_000, "1.2");
    }

    [Fact]
    public void TheAnswerIsThatOfRfc3834() => Assert.Equal("""
        Auto-Submitted: auto-replied
        Date: Fri, 20 Nov 2026 07:00:00 -0000
        Message-ID: <1.2.autoresponder@example.org>
        To: joe@example.com
        In-Reply-To: <1@example.com>
        References: <1@example.com>
        From: ann@example.org
        Subject: Auto: Hello

        I am away.

        """.ReplaceLineEndings("\n"), Composed("I am away.\n"));

    [Fact]
    public void ThePreparedTextHasAHeader()
    {
        string answer = Composed("From: Ann\n <ann@example.org>\nSubject: Re: %S\nX-Answer: yes\nAuto-Submitted: no\nTo: x@y\n\n%% %t got %m from %F\n%z%");
        Assert.Contains("\nFrom: Ann\n <ann@example.org>\n", answer);
        Assert.Contains("\nSubject: Re: Hello\n", answer);
        Assert.Contains("\nX-Answer: yes\n", answer);
        Assert.DoesNotContain("Auto-Submitted: no", answer);
        Assert.DoesNotContain("x@y", answer);
        Assert.EndsWith("\n\n% ann@example.org got <1@example.com> from Joe <joe@example.com>\n%z%\n", answer);
    }

    [Fact]
    public void OptionsComeBeforeTheText()
    {
        Assert.Contains("\nSubject: away\n", Composed("Subject: x\n\nhi\n", set: o => o.Subject = "away"));
        Assert.DoesNotContain("Subject: x", Composed("Subject: x\n\nhi\n", set: o => o.Subject = "away"));
        Assert.Contains("\nSubject: Re: Hello\n", Composed("hi\n", set: o => o.SubjectPrefix = "Re: "));
        Assert.Contains("\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n", Composed("hi\n", set: o => o.ContentType = "text/plain; charset=utf-8"));
        Assert.Contains("\nFrom: Ann <a@b>\n", Composed("hi\n", set: o => o.From = "Ann <a@b>"));
    }

    [Fact]
    public void NothingOfTheMessageBecomesAFieldOfTheAnswer()
    {
        string answer = Composed("Subject: %D\n\nhi\n", "Date: a\n\r\n Bcc: victim@example.net\nReferences: <a>  <b>\n <c>\n", sender: "a\nBcc: v@x");
        Assert.DoesNotContain("\nBcc:", answer.Replace("\"a\nBcc: v\"", "", StringComparison.Ordinal));
        Assert.DoesNotContain("\n\n", answer[..answer.IndexOf("hi")].TrimEnd('\n'));
    }

    [Fact]
    public void ReferencesGrowByOne() =>
        Assert.Contains("\nReferences: <a>\n <b>\n <c>\n <1@example.com>\n", Composed("hi\n", "References: <a>  <b>\n <c>\n"));
}
