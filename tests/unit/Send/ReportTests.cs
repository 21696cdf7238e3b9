using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Send;
using Xunit;

namespace Qmta.Tests.Send;

public sealed class ReportTests
{
    [Fact]
    public void AReportIsOneWordOfALogLine() =>
        Assert.Equal("a_b/c_d_e__~!/", Log.Safe("a b\nc\td%e\u00e9\0~!\n"));

    [Fact]
    public void NothingButPrintableAsciiIsLogged() =>
        Prop.ForAll<byte[]>(bytes => Log.Safe(Qmta.Text.Latin1.String(bytes)) is string safe && safe.Length == bytes.Length
            && safe.All(c => c is > ' ' and <= '~' and not '%')).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("joe@x.y", "Sorry.\n", "<joe@x.y>:\nSorry.\n\n")]
    [InlineData("joe@x.y", "Sorry.", "<joe@x.y>:\nSorry.\n\n")]
    [InlineData("joe@x.y", "", "<joe@x.y>:\n\n")]
    [InlineData("joe@x.y", "\n\n", "<joe@x.y>:\n\n")]
    [InlineData("joe@x.y", "one\n\ntwo\n\n\n", "<joe@x.y>:\none/\ntwo\n\n")]
    [InlineData("a\nb@x.y", "no\n", "<a_b@x.y>:\nno\n\n")]
    public void Paragraphs(string recipient, string report, string paragraph) => Assert.Equal(paragraph, Bounces.Paragraph(recipient, report));

    [Fact]
    public void OnlyTheEndOfAParagraphIsAnEmptyLine()
    {
        Gen<string> text = Gen.Elements('\n', 'a', '\n', ' ', '<').ArrayOf().Select(chars => new string(chars));
        Prop.ForAll(Arb.From(Gen.Zip(text, text)), both =>
        {
            string paragraph = Bounces.Paragraph(both.Item1, both.Item2);
            return paragraph.IndexOf("\n\n") == paragraph.Length - 2 && paragraph[0] == '<';
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }
}
