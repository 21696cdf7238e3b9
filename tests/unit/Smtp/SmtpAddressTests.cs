using Qmta.Smtp;
using Xunit;

namespace Qmta.Tests.Smtp;

public class SmtpAddressTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("joe@example.org", "joe@example.org")]
    [InlineData("a.b+c=d@x", "a.b+c=d@x")]
    [InlineData("a b@x", "\"a b\"@x")]
    [InlineData("a\"b\\c@x", "\"a\\\"b\\\\c\"@x")]
    [InlineData(".a@x", "\".a\"@x")]
    [InlineData("a..b@x", "\"a..b\"@x")]
    [InlineData("a.@x", "\"a.\"@x")]
    [InlineData("@x", "\"\"@x")]
    [InlineData("a@b@x", "\"a@b\"@x")]
    [InlineData("a>b@x", "\"a>b\"@x")]
    [InlineData("j\xC3\xB6rg@x", "j\xC3\xB6rg@x")]
    public void Quotes(string address, string expected) => Assert.Equal(expected, SmtpAddress.Quoted(address));

    [Theory]
    [InlineData("a\r\nRCPT TO:<b>@x")]
    [InlineData("a\n@x")]
    [InlineData("a\0@x")]
    public void CannotSendLineEnds(string address) => Assert.False(SmtpAddress.IsSendable(address));
}
