using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Text;

public class DatesTests
{
    [Theory]
    [InlineData(0, "Thu, 1 Jan 1970 00:00:00 -0000")]
    [InlineData(951782400, "Tue, 29 Feb 2000 00:00:00 -0000")]
    [InlineData(1795153398, "Fri, 20 Nov 2026 05:43:18 -0000")]
    public void HeaderDate(long seconds, string expected) => Assert.Equal(expected, Dates.Rfc5322(seconds));

    [Fact]
    public void SeparatorDatePadsTheDay() => Assert.Equal("Thu Jan  1 00:00:00 1970", Dates.Asctime(0));

    [Theory]
    [InlineData(1795153398, 3600, "Fri, 20 Nov 2026 06:43:18 +0100")]
    [InlineData(1795153398, -12600, "Fri, 20 Nov 2026 02:13:18 -0330")]
    [InlineData(1795153398, 0, "Fri, 20 Nov 2026 05:43:18 +0000")]
    public void LocalDate(long seconds, int offset, string expected) => Assert.Equal(expected, Dates.Rfc5322(seconds, offset));
}
