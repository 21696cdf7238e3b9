using System.Linq;
using Qmta.Inject;
using Xunit;

namespace Qmta.Tests.Inject;

public class OptionTests
{
    // Arguments separated by |; then recipients, sender (- for none), name, -t, whether a dot ends the message.
    [Theory]
    [InlineData("root", "root", "-", "-", false, true)]
    [InlineData("-i|root", "root", "-", "-", false, false)]
    [InlineData("-oi|root", "root", "-", "-", false, false)]
    [InlineData("-t", "", "-", "-", true, true)]
    [InlineData("-ti", "", "-", "-", true, false)]
    [InlineData("-it", "", "-", "-", true, false)]
    [InlineData("-ot|-oi", "", "-", "-", true, false)]
    [InlineData("-t|-i|-fjoe@x.y", "", "joe@x.y", "-", true, false)]
    [InlineData("-t|-f|joe@x.y", "", "joe@x.y", "-", true, true)]
    [InlineData("-tf|joe", "", "joe", "-", true, true)]
    [InlineData("-f|<>|a", "a", "", "-", false, true)]
    [InlineData("-f||a", "a", "", "-", false, true)]
    [InlineData("-f|Joe <joe@x.y>|a", "a", "joe@x.y", "-", false, true)]
    [InlineData("-rjoe|a", "a", "joe", "-", false, true)]
    [InlineData("-FJoe Doe|a", "a", "-", "Joe Doe", false, true)]
    [InlineData("-F|Joe Doe|a", "a", "-", "Joe Doe", false, true)]
    [InlineData("-bm|-om|-oem|-odb|-oo|-o7|-em|-ee|-e|-B8BITMIME|-B|7BIT|-v|-m|-n|-x|-U|a", "a", "-", "-", false, true)]
    [InlineData("-oep|-odi|-oQ1|a", null, "-", "-", false, true)]
    [InlineData("-N|delay,failure|-R|hdrs|-V|id|-L|tag|-h|5|-pSMTP:x|-O|ErrorMode=m|-X|/dev/null|-Am|a", "a", "-", "-", false, true)]
    [InlineData("-Nnever|-Rfull|-VID|a", "a", "-", "-", false, true)]
    [InlineData("-d0-99.1|-G|-E|-Jx|-oitrue|a", "a", "-", "-", false, false)]
    [InlineData("-FCronDaemon|-i|-odi|-oem|-oi|-t|-f|root", "", "root", "CronDaemon", true, false)]
    [InlineData("-oem|-oi|-f|a@b|--|c@d|e@f", "c@d e@f", "a@b", "-", false, false)]
    [InlineData("--|-joe@x.y", "-joe@x.y", "-", "-", false, true)]
    [InlineData("a@b, c@d|Joe <e@f>", "a@b c@d e@f", "-", "-", false, true)]
    [InlineData("-t|a", "a", "-", "-", true, true)]
    [InlineData("-i|a|-f|b", null, "-", "-", false, true)]
    [InlineData("-f", null, "-", "-", false, true)]
    [InlineData("-f|a,b|c", null, "-", "-", false, true)]
    [InlineData("-z|a", null, "-", "-", false, true)]
    [InlineData("-bd", null, "-", "-", false, true)]
    [InlineData("-bz", null, "-", "-", false, true)]
    [InlineData("-C|x|a", null, "-", "-", false, true)]
    [InlineData("-oA/x|a", null, "-", "-", false, true)]
    [InlineData("-o|a", "", "-", "-", false, true)]
    [InlineData("a\nBcc: b", null, "-", "-", false, true)]
    [InlineData("-fa\rb|c", null, "-", "-", false, true)]
    [InlineData("-Fa\nBcc: b|c", null, "-", "-", false, true)]
    [InlineData("<a", null, "-", "-", false, true)]
    [InlineData("", null, "-", "-", false, true)]
    [InlineData("<>", null, "-", "-", false, true)]
    [InlineData("\"a@b\"", null, "-", "-", false, true)]
    public void OptionsOfSendmail(string arguments, string? recipients, string sender, string name, bool header, bool dot)
    {
        if (recipients == null)
        {
            InjectException wrong = Assert.Throws<InjectException>(() => SendmailOptions.Parse(arguments.Split('|')));
            Assert.Contains(Sendmail.ExitCode(wrong.Failure), new[] { 64, 69 });
            return;
        }
        Submission submission = SendmailOptions.Parse(arguments.Split('|')).Submission;
        Assert.Equal(recipients, string.Join(' ', submission.Recipients));
        Assert.Equal(sender, submission.Sender ?? "-");
        Assert.Equal(name, submission.Name ?? "-");
        Assert.Equal(header, submission.UsesHeader);
        Assert.Equal(dot, submission.DotEnds);
        Assert.True(submission.UsesArguments);
    }

    [Theory]
    [InlineData("-bd", 69)]
    [InlineData("-bl", 69)]
    [InlineData("-bv", 69)]
    [InlineData("-bt", 69)]
    [InlineData("-bh", 69)]
    [InlineData("-C/etc/x", 69)]
    [InlineData("-Mrm", 69)]
    [InlineData("-OQueueDirectory=/x", 69)]
    [InlineData("-oQ/x", 69)]
    [InlineData("--json", 64)]
    [InlineData("-q5x", 64)]
    [InlineData("-qI", 64)]
    [InlineData("-bz", 64)]
    [InlineData("-z", 64)]
    public void ExitCodesOfRefusals(string argument, int code) =>
        Assert.Equal(code, Sendmail.ExitCode(Assert.Throws<InjectException>(() => SendmailOptions.Parse([argument])).Failure));

    // sendmail, Postfix and exim have these; what they ask for in more detail is more than there is here to choose from.
    [Theory]
    [InlineData("-bs", SendmailMode.Session)]
    [InlineData("-bs|-v", SendmailMode.Session)]
    [InlineData("-bp", SendmailMode.List)]
    [InlineData("-v|-bp", SendmailMode.List)]
    [InlineData("-Ac|-bp", SendmailMode.List)]
    [InlineData("-bi", SendmailMode.Aliases)]
    [InlineData("-bi|-v", SendmailMode.Aliases)]
    [InlineData("-I", SendmailMode.Aliases)]
    [InlineData("-bm", SendmailMode.Send)]
    [InlineData("-q", SendmailMode.Retry)]
    [InlineData("-q|-v", SendmailMode.Retry)]
    [InlineData("-qf", SendmailMode.Retry)]
    [InlineData("-q15m", SendmailMode.Retry)]
    [InlineData("-q1h30m", SendmailMode.Retry)]
    [InlineData("-qp30s", SendmailMode.Retry)]
    [InlineData("-qI1049084", SendmailMode.Retry)]
    [InlineData("-qRexample.org", SendmailMode.Retry)]
    [InlineData("-q!Rexample.org", SendmailMode.Retry)]
    [InlineData("-qSann@example.org", SendmailMode.Retry)]
    [InlineData("-qQ", SendmailMode.Retry)]
    [InlineData("-qff", SendmailMode.Retry)]
    [InlineData("-qqff", SendmailMode.Retry)]
    [InlineData("-Am|-q", SendmailMode.Retry)]
    public void SendmailModes(string arguments, object mode) =>
        Assert.Equal((SendmailMode)mode, SendmailOptions.Parse(arguments.Split('|')).Mode);

    [Fact]
    public void MailqListsByName()
    {
        Assert.Equal(SendmailMode.List, SendmailOptions.Parse([], "mailq").Mode);
        Assert.False(SendmailOptions.Parse(["-v"], "mailq").Json);
        Assert.True(SendmailOptions.Parse(["--json"], "mailq").Json);
        Assert.True(SendmailOptions.Parse(["-bp", "--json", "-v"]).Json);
        Assert.Equal(["--json"], SendmailOptions.Parse(["--", "--json"]).Submission.Recipients);
        Assert.Throws<InjectException>(() => SendmailOptions.Parse(["-bs", "-bp"]));
    }

    [Fact]
    public void DatemailDatesInLocalTime()
    {
        Assert.True(SendmailOptions.Parse(["root"], "datemail").Submission.HasLocalDate);
        Assert.False(SendmailOptions.Parse(["root"]).Submission.HasLocalDate);
    }

    [Theory]
    [InlineData("IgnoreDots", false)]
    [InlineData("ignoredots=true", false)]
    [InlineData("IgnoreDots=False", true)]
    [InlineData("DeliveryMode=b", true)]
    public void LongOptions(string option, bool dotEnds)
    {
        Assert.Equal(dotEnds, SendmailOptions.Parse(["-O", option, "root"]).Submission.DotEnds);
        Assert.Equal(dotEnds, SendmailOptions.Parse(["-O" + option, "root"]).Submission.DotEnds);
    }

    [Theory]
    [InlineData("", "", true, true, "-", null)]
    [InlineData("a b", "a b", true, false, "-", null)]
    [InlineData("-a", "", true, false, "-", null)]
    [InlineData("-h a", "a", false, true, "-", null)]
    [InlineData("-H a", "a", true, true, "-", null)]
    [InlineData("-nfx a", "a", true, false, "x", true)]
    [InlineData("-nN -f x", "", true, true, "x", false)]
    [InlineData("-hA a", "a", true, false, "-", null)]
    public void QmailInjectOptions(string arguments, string recipients, bool usesArguments, bool usesHeader, string sender, bool? print)
    {
        Submission submission = QmailInject.Parse(arguments.Split(' ', System.StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(recipients, string.Join(' ', submission.Recipients));
        Assert.Equal(usesArguments, submission.UsesArguments);
        Assert.Equal(usesHeader, submission.UsesHeader);
        Assert.Equal(sender, submission.Sender ?? "-");
        Assert.Equal(print, submission.Print);
        Assert.False(submission.DotEnds);
    }

    [Theory]
    [InlineData("-z")]
    [InlineData("-f")]
    [InlineData("a\nb")]
    [InlineData("-fa\nb")]
    public void QmailInjectRefuses(string argument) =>
        Assert.Equal(100, QmailInject.ExitCode(Assert.Throws<InjectException>(() => QmailInject.Parse([argument])).Failure));

    [Fact]
    public void EveryFailureHasACodeOfItsOwnInSysexits()
    {
        int[] codes = [.. System.Enum.GetValues<Failure>().Select(Sendmail.ExitCode)];
        Assert.Equal(codes.Length, codes.Distinct().Count());
        Assert.All(codes, code => Assert.InRange(code, 64, 78));
    }
}
