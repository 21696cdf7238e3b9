using System.IO;
using Qmta.Inject;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Inject;

public class UucpMailTests
{
    private static (string? Origin, string Left) Read(string text)
    {
        string file = Path.GetTempFileName();
        File.WriteAllBytes(file, Latin1.Bytes(text));
        int fd = Files.Open(file, OpenMode.Read);
        try
        {
            string? path = UucpMail.ReadOrigin(fd, out byte[] rest);
            return (path, Latin1.String(rest));
        }
        finally
        {
            _ = Files.Close(fd);
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("From joe Fri Nov 20 05:43:18 2026 remote from beta\nTo: x\n\nhi\n", "beta!joe", "To: x\n\nhi\n")]
    [InlineData("From daemon Fri Nov 20 2026 remote from alpha\n>From joe Fri Nov 20 2026 remote from beta\nTo: x\n\nhi\n", "alpha!beta!joe", "To: x\n\nhi\n")]
    [InlineData("From joe@example.org Fri Nov 20 05:43:18 2026\n\nhi\n", "joe@example.org", "\nhi\n")]
    [InlineData("To: x\n\nhi\n", null, "To: x\n\nhi\n")]
    [InlineData("From\n", null, "From\n")]
    [InlineData("From ", "", "")]
    [InlineData("From joe", "joe", "")]
    [InlineData("x", null, "x")]
    [InlineData("", null, "")]
    public void TheFromLinesTellThePath(string text, string? path, string rest) => Assert.Equal((path, rest), Read(text));

    [Fact]
    public void LinesWithoutAnEndAreRefused() =>
        Assert.Equal(Failure.Data, Assert.Throws<InjectException>(() => Read("From " + new string('x', 70000))).Failure);

    [Theory]
    [InlineData("joe", "joe")]
    [InlineData("beta!joe", "joe@beta")]
    [InlineData("alpha!beta!joe", "beta!joe@alpha")]
    [InlineData("a!b!c!joe", "b!c!joe@a")]
    [InlineData("alpha!beta.example!joe", "joe@beta.example")]
    [InlineData("alpha!joe@example.org", "joe@example.org")]
    [InlineData("alpha!<>", "")]
    public void APathBecomesAnAddress(string path, string address) => Assert.Equal(address, UucpMail.Address(path));

    [Fact]
    public void RecipientsMayBeInParentheses()
    {
        Submission submission = UucpMail.Parse(["(joe)", "beta!jane", "ann@example.org"], "beta!x", []);
        Assert.Equal(["joe", "jane@beta", "ann@example.org"], submission.Recipients);
        Assert.Equal("x@beta", submission.Sender);
        Assert.False(submission.DotEnds);
        Assert.Null(UucpMail.Parse(["joe"], null, []).Sender);
        Assert.Throws<InjectException>(() => UucpMail.Parse(["a\nb"], null, []));
        Assert.Throws<InjectException>(() => UucpMail.Parse(["a"], "b\rc", []));
    }
}
