using Qmta.Remote;
using Xunit;

namespace Qmta.Tests.Remote;

public class RemoteReportTests
{
    // What qmail-rspawn makes of qmail-remote's reports.
    [Theory]
    [InlineData('r', "", 'K', "accepted", "Kaccepted\n")]
    [InlineData('r', "", 'Z', "later", "Zlater\n")]
    [InlineData('r', "", 'D', "never", "Dnever\n")]
    [InlineData('h', "bad", 'D', "giving up", "Dbad\ngiving up\n")]
    [InlineData('h', "bad", 'Z', "later", "Dbad\n")]
    [InlineData('s', "busy", 'D', "giving up", "Zbusy\ngiving up\n")]
    [InlineData('s', "busy", 'K', "accepted", "Zbusy\n")]
    public void Merges(char recipient, string recipientText, char message, string messageText, string expected)
    {
        RemoteReport report = RemoteReport.Of(message, messageText);
        report.AddRecipient(recipient, recipientText);
        Assert.Equal(expected, report.Merge());
    }

    [Fact]
    public void WithoutRecipientReportsTheMessageDecides() => Assert.Equal("Zno\n", RemoteReport.Temporary("no").Merge());

    [Fact]
    public void EveryReportEndsWithANul()
    {
        RemoteReport report = RemoteReport.Success("1.2.3.4 accepted\0message.");
        report.AddRecipient('r', "");
        report.AddRecipient('h', "no\n");
        Assert.Equal("r\0hno\n\0K1.2.3.4 accepted?message.\n\0", report.Encode());
    }

    [Theory]
    [InlineData("5/123", null)]
    [InlineData("123", null)]
    [InlineData("", "too short")]
    [InlineData("../../etc/passwd", "nonnumerics")]
    [InlineData("/5/123", "nonnumerics")]
    [InlineData("5/12a", "nonnumerics")]
    [InlineData("5/123\xFF", "nonnumerics")]
    public void MessageNamesAreChecked(string name, string? problem)
    {
        string? report = SpawnHelper.CheckMessageName(name);
        if (problem == null) Assert.Null(report);
        else Assert.Contains(problem, report);
    }

    [Fact]
    public void LongMessageNamesAreRefused() => Assert.Contains("too long", SpawnHelper.CheckMessageName(new string('1', 100)));
}
