using System;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Control;

[Collection("alone")]
public sealed class EnvironmentRulesTests : IDisposable
{
    private const string Variable = "QMTA_TEST_RULES";
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-rules-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private EnvironmentRules Read(string text)
    {
        File.WriteAllText(directory + "/from.envrules", text);
        return EnvironmentRules.Read(new ControlFiles(directory), "from.envrules", Variable);
    }

    private string For(string text, string address) => string.Join(';',
        Read(text).For(address).Select(variable => variable.Name + (variable.Value == null ? "" : "=" + variable.Value)));

    [Theory]
    [InlineData("*consultant:REQUIREAUTH=1,NORELAY=1\n", "joe@x.consultant", "REQUIREAUTH=1;NORELAY=1")]
    [InlineData("*consultant:REQUIREAUTH=1,NORELAY=1\n", "joe@x.example", "")]
    [InlineData("joe@x.example:DATABYTES=\n", "Joe@X.example", "DATABYTES")]
    [InlineData("*:A=1\njoe@*:A=2,B=3,A=\n", "joe@x.example", "A=1;A=2;B=3;A")]
    [InlineData("*:A=1\\,2,B=x=y\\,\n", "a", "A=1,2;B=x=y,")]
    [InlineData("*: A=1, B=2,\n", "a", "A=1;B=2")]
    [InlineData("*:A=a:b\n", "a", "A=a:b")]
    [InlineData("*:\n", "a", "")]
    [InlineData("# a comment\n\n*:A=1\r\n", "a", "A=1")]
    [InlineData(":A=1\n<>:B=2\n*:C=3\n", "", "A=1;B=2;C=3")]
    [InlineData(":A=1\n<>:B=2\n", "joe@x.example", "")]
    public void Rules(string text, string address, string variables) => Assert.Equal(variables, For(text, address));

    [Theory]
    [InlineData("no colon\n", "there is no colon: no colon")]
    [InlineData("*:A\n", "\"A\" is not NAME=value")]
    [InlineData("*:A=1,=2\n", "\"=2\" is not NAME=value")]
    [InlineData("*:A=1\\,2,B\n", "\"B\" is not NAME=value")]
    [InlineData("*:A=\0x\n", "is not NAME=value")]
    public void WhatIsNoRule(string text, string why)
    {
        string sentence = Assert.Throws<FormatException>(() => Read(text)).Message;
        Assert.StartsWith(directory + "/from.envrules has a line that is no rule, ", sentence);
        Assert.Contains(why, sentence);
    }

    [Fact]
    public void TheSentenceAboutALongLineIsShort() =>
        Assert.InRange(Assert.Throws<FormatException>(() => Read("*:" + new string('A', 5000) + "\n")).Message.Length, 100, 500);

    [Fact]
    public void WithoutAFileThereAreNone()
    {
        EnvironmentRules rules = EnvironmentRules.Read(new ControlFiles(directory), "from.envrules", Variable);
        Assert.True(rules.IsEmpty);
        Assert.Empty(rules.For("joe@x.example"));
    }

    [Fact]
    public void AnUnreadableFileIsAnError()
    {
        Directory.CreateDirectory(directory + "/from.envrules");
        Assert.Throws<PosixException>(() => EnvironmentRules.Read(new ControlFiles(directory), "from.envrules", Variable));
    }

    [Fact]
    public void RulesTakeEffect()
    {
        Variables.Set("QMTA_TEST_B", "old");
        Read("joe@*:QMTA_TEST_A=1,QMTA_TEST_B=\n").Apply("joe@x.example");
        Assert.Equal("1", Variables.Get("QMTA_TEST_A"));
        Assert.Null(Variables.Get("QMTA_TEST_B"));
        Variables.Set("QMTA_TEST_A", null);
    }
}
