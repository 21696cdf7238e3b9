using System;
using System.Collections.Generic;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Queue;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class DeliveryProtocolTests
{
    private static readonly Gen<string> Word = Gen.Choose(1, 255).Select(n => (char)n).ArrayOf().Select(chars => new string(chars));

    private static Gen<int> Number(bool wide) => Gen.Choose(0, wide ? 16383 : 255);

    private static readonly Gen<int[]> Cuts = Gen.Choose(1, 9).NonEmptyListOf().Select(list => list.ToArray());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CommandsArriveHoweverThePipeCutsThem(bool wide)
    {
        Gen<DeliveryCommand> command = Gen.Zip(Gen.Zip(Number(wide), Word), Gen.Zip(Word, Gen.Zip(Word, Word)))
            .Select(all => new DeliveryCommand(all.Item1.Item1, all.Item1.Item2, all.Item2.Item1, all.Item2.Item2.Item1)
            {
                // qmail's form has no place for it
                ExtraHeader = wide ? all.Item2.Item2.Item2 : "",
                IsLast = wide && all.Item1.Item1 % 2 == 0,
            });
        Prop.ForAll(Arb.From(Gen.Zip(command.ArrayOf(), Cuts)), given =>
        {
            byte[] bytes = [.. given.Item1.SelectMany(one => one.Encode(wide))];
            return Take(DeliveryStream.OfCommands(wide), bytes, given.Item2, stream => stream.Command()).SequenceEqual(given.Item1);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReportsArriveHoweverThePipeCutsThem(bool wide)
    {
        Gen<DeliveryReport> report = Gen.Zip(Number(wide), Word).Select(both => new DeliveryReport(both.Item1, both.Item2));
        Prop.ForAll(Arb.From(Gen.Zip(report.ArrayOf(), Cuts)), given =>
        {
            byte[] bytes = [.. given.Item1.SelectMany(one => one.Encode(wide))];
            return Take(DeliveryStream.OfReports(wide), bytes, given.Item2, stream => stream.Report()).SequenceEqual(given.Item1);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFloodOfAReportIsCutAndTheNextIsWhole(bool wide)
    {
        byte[] bytes = [.. new DeliveryReport(3, "D" + new string('x', 1_000_000)).Encode(wide), .. new DeliveryReport(4, "Kok\n").Encode(wide)];
        List<DeliveryReport> reports = Take(DeliveryStream.OfReports(wide), bytes, [4096], stream => stream.Report());
        Assert.Equal(2, reports.Count);
        Assert.Equal(3, reports[0].Number);
        Assert.StartsWith("Dxxx", reports[0].Text);
        Assert.InRange(reports[0].Text.Length, DeliveryProtocol.LongestReport - 2, DeliveryProtocol.LongestReport);
        Assert.Equal(new DeliveryReport(4, "Kok\n"), reports[1]);
    }

    [Fact]
    public void AnAbsurdCommandIsCutAndTheNextIsWhole()
    {
        byte[] bytes = [.. new DeliveryCommand(1, "1/1", new string('s', 100_000), "r").Encode(true), .. new DeliveryCommand(2, "2/2", "", "joe").Encode(true)];
        List<DeliveryCommand> commands = Take(DeliveryStream.OfCommands(true), bytes, [1000], stream => stream.Command());
        Assert.Equal(2, commands.Count);
        Assert.InRange(commands[0].Sender.Length, QueueLayout.LongestAddress, 6 * QueueLayout.LongestAddress);
        Assert.Equal("", commands[0].Recipient);
        Assert.Equal(new DeliveryCommand(2, "2/2", "", "joe"), commands[1]);
    }

    [Fact]
    public void TheLongestAddressesAreWhole()
    {
        // A sender with the recipient in it, and a recipient with what virtualdomains puts before it.
        DeliveryCommand command = new(499, "22/18446744073709551615", new string('s', 2006), new string('r', 2006));
        Assert.Equal([command], Take(DeliveryStream.OfCommands(true), command.Encode(true), [4096], stream => stream.Command()));
    }

    [Fact]
    public void TheLongestExtraHeaderIsWhole()
    {
        DeliveryCommand command = new(499, "22/4294967295", new string('s', 1003), new string('r', 1003))
        {
            ExtraHeader = "X-Long: " + new string('x', ExtraHeader.Longest - 9) + "\n",
        };
        byte[] bytes = [.. command.Encode(true), .. new DeliveryCommand(2, "2/2", "", "joe").Encode(true)];
        List<DeliveryCommand> commands = Take(DeliveryStream.OfCommands(true), bytes, [4096], stream => stream.Command());
        Assert.Equal([command, new DeliveryCommand(2, "2/2", "", "joe")], commands);
    }

    [Fact]
    public void OnlyCommandsWithAnExtraHeaderLookDifferent()
    {
        DeliveryCommand command = new(300, "5/12", "a@b", "c@d") { ExtraHeader = "X-A: b\n" };
        Assert.Equal([0x2C, 0x81, .. Latin1.Bytes("5/12\0a@b\0c@d\0X-A: b\n\0")], command.Encode(true));
        Assert.Equal([0x2C, 0x41, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], new DeliveryCommand(300, "5/12", "a@b", "c@d") { IsLast = true }.Encode(true));
        Assert.Equal([44, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], new DeliveryCommand(44, "5/12", "a@b", "c@d") { IsLast = true }.Encode(false));
        Assert.Equal([44, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], (command with { Number = 44 }).Encode(false));
    }

    [Fact]
    public void ANulInAReportEndsNothing() => Assert.Equal([7, .. "Ka?b"u8, 0], new DeliveryReport(7, "Ka\0b").Encode(false));

    [Fact]
    public void TheAnnouncementTellsTheNumbersForm()
    {
        Assert.Equal([0, 20, 0], DeliveryProtocol.Announcement(20));
        Assert.Equal([0, 0xF4, 1], DeliveryProtocol.Announcement(500));
        Assert.Equal([0x2C, 1, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], new DeliveryCommand(300, "5/12", "a@b", "c@d").Encode(true));
        Assert.Equal([0x2C, 0x41, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], new DeliveryCommand(300, "5/12", "a@b", "c@d") { IsLast = true }.Encode(true));
        Assert.Equal([44, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], new DeliveryCommand(44, "5/12", "a@b", "c@d") { IsLast = true }.Encode(false));
        Assert.Equal([44, .. Latin1.Bytes("5/12\0a@b\0c@d\0")], new DeliveryCommand(44, "5/12", "a@b", "c@d").Encode(false));
    }

    private static List<T> Take<T>(DeliveryStream stream, byte[] bytes, int[] cuts, Func<DeliveryStream, T> fetch)
    {
        List<T> taken = [];
        for (int at = 0, cut = 0; at < bytes.Length; cut++)
        {
            int length = Math.Min(cuts[cut % cuts.Length], bytes.Length - at);
            ReadOnlySpan<byte> piece = bytes.AsSpan(at, length);
            while (stream.Take(ref piece)) taken.Add(fetch(stream));
            at += length;
        }
        return taken;
    }
}
