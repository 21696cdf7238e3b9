// A message may take the silence that is allowed, and a second more for every hundred bytes.
using Qmta.Reception;
using Xunit;

namespace Qmta.Tests.Reception;

public class MessagePaceTests
{
    [Fact]
    public void NothingComesForAsLongAsAClientMayBeSilent() => Assert.Equal(1_205_000, new MessagePace(5000, 1_200_000).Until);

    [Fact]
    public void EveryHundredBytesAreWorthASecond()
    {
        MessagePace pace = new(5000, 1_200_000);
        for (int i = 0; i < 100; i++) pace.Came(1);
        Assert.Equal(1_206_000, pace.Until);
        for (int i = 0; i < 3; i++) pace.Came(1_000_000_000);
        Assert.Equal(1_206_000 + 30_000_000_000, pace.Until);
    }

    [Fact]
    public void AByteASecondIsTooSlow()
    {
        MessagePace pace = new(0, 10_000);
        int second = 0;
        for (; second * 1000 <= pace.Until; second++) pace.Came(1);
        Assert.InRange(second, 10, 11);
    }
}
