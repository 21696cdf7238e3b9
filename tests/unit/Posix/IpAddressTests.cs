using System;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public class IpAddressTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("2001:DB8::", "2001:db8::")]
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("::ffff:192.0.2.1", "::ffff:c000:201")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    public void Reads(string text, string canonical)
    {
        Assert.True(IpAddress.TryParse(text, out IpAddress address));
        Assert.Equal(canonical, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.04")]
    [InlineData("1..3.4")]
    [InlineData("1.2.3.4 ")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("12345::")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8::")]
    [InlineData("::g")]
    [InlineData("1:2:3:4:5:6:7:1.2.3.4")]
    [InlineData("::1.2.3.4:5")]
    public void Refuses(string text) => Assert.False(IpAddress.TryParse(text, out _));

    [Theory]
    [InlineData("[192.0.2.1]", "192.0.2.1")]
    [InlineData("[IPv6:2001:db8::1]", "2001:db8::1")]
    [InlineData("[ipv6:::1]", "::1")]
    [InlineData("[::1]", "::1")]
    public void ReadsLiterals(string text, string expected)
    {
        Assert.True(IpAddress.TryParseLiteral(text, out IpAddress address));
        Assert.Equal(expected, address.ToString());
    }

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("[]")]
    [InlineData("[")]
    [InlineData("[IPv6:192.0.2.1]")]
    [InlineData("[host]")]
    public void RefusesOtherLiterals(string text) => Assert.False(IpAddress.TryParseLiteral(text, out _));

    [Fact]
    public void EveryAddressReadsItsOwnText() =>
        Prop.ForAll(Arb.From(Gen.Choose(0, 3).SelectMany(i => i == 0 ? Gen.Constant((byte)0) : ArbMap.Default.GeneratorFor<byte>()).ArrayOf(16)),
            bytes =>
            {
                IpAddress six = IpAddress.From(bytes), four = IpAddress.From(bytes.AsSpan(0, 4));
                return IpAddress.TryParse(six.ToString(), out IpAddress again) && again == six
                    && IpAddress.TryParse(four.ToString(), out again) && again == four
                    && System.Net.IPAddress.Parse(six.ToString()).GetAddressBytes().AsSpan().SequenceEqual(bytes);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
