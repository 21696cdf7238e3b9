using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Dns;
using Xunit;

namespace Qmta.Tests.Dns;

public class DnsNameTests
{
    private static readonly Gen<string> Names = Gen.Elements('a', 'z', '0', '-', '_', '\xE9').ArrayOf()
        .Where(label => label.Length is > 0 and < 64).Select(label => new string(label)).ArrayOf()
        .Select(labels => string.Join('.', labels)).Where(name => name.Length < 250);

    [Fact]
    public void EveryNameDecodesToItself() =>
        Prop.ForAll(Arb.From(Names), name =>
        {
            byte[] packet = new byte[300];
            int length = DnsName.Encode(name, packet), at = 0;
            return length == (name.Length == 0 ? 1 : name.Length + 2)
                && DnsName.TryDecode(packet.AsSpan(0, length), ref at, out string again) && again == name && at == length;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void CaseAndTheLastDotDoNotMatter()
    {
        byte[] packet = new byte[300];
        int at = 0;
        _ = DnsName.Encode("WWW.Example.ORG.", packet);
        Assert.True(DnsName.TryDecode(packet, ref at, out string name));
        Assert.Equal("www.example.org", name);
    }

    [Theory]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("..")]
    public void ThereAreNoEmptyLabels(string name) => Assert.Equal(0, DnsName.Encode(name, new byte[300]));

    [Fact]
    public void LengthsAreLimited()
    {
        string label = new('a', 63);
        Assert.Equal(65, DnsName.Encode(label, new byte[300]));
        Assert.Equal(0, DnsName.Encode(label + "a", new byte[300]));
        string longest = $"{label}.{label}.{label}.{new string('a', 61)}";
        Assert.Equal(255, DnsName.Encode(longest, new byte[300]));
        Assert.Equal(0, DnsName.Encode(longest + "a", new byte[300]));
    }

    [Theory]
    [InlineData(new byte[] { 0xC0, 0 })]                      // points at itself
    [InlineData(new byte[] { 1, (byte)'a', 0xC0, 0 })]        // points at its own beginning
    [InlineData(new byte[] { 0xC0, 2, 0xC0, 0 })]             // two pointers at each other
    [InlineData(new byte[] { 0xC0 })]                         // half a pointer
    [InlineData(new byte[] { 0xC0, 200 })]                    // points behind the end
    [InlineData(new byte[] { 5, (byte)'a' })]                 // a label longer than the packet
    [InlineData(new byte[] { 1, (byte)'a' })]                 // no end
    [InlineData(new byte[] { 0x40, 0 })]                      // a reserved kind of label
    [InlineData(new byte[] { })]
    public void MalformedNamesAreRefused(byte[] packet)
    {
        int at = 0;
        Assert.False(DnsName.TryDecode(packet, ref at, out _));
    }

    [Fact]
    public void PointersMayNotMakeANameTooLong()
    {
        // Each label of 63 bytes points at the one before: five of them exceed 255.
        byte[] packet = new byte[5 * 66 + 1];
        for (int i = 0; i < 5; i++)
        {
            int start = 1 + i * 66;
            packet[start] = 63;
            packet.AsSpan(start + 1, 63).Fill((byte)'a');
            int target = i == 0 ? 0 : start - 66;
            packet[start + 64] = (byte)(0xC0 | target >> 8);
            packet[start + 65] = (byte)target;
        }
        int three = 1 + 2 * 66, five = 1 + 4 * 66;
        Assert.True(DnsName.TryDecode(packet, ref three, out string name));
        Assert.Equal(3 * 64 - 1, name.Length);
        Assert.False(DnsName.TryDecode(packet, ref five, out _));
    }

    [Fact]
    public void ADotInsideALabelIsNoSeparator()
    {
        int at = 0;
        Assert.True(DnsName.TryDecode([3, (byte)'a', (byte)'.', (byte)'b', 0], ref at, out string name));
        Assert.Equal("a\0b", name);
    }
}
