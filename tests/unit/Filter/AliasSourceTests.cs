using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Filter;
using Xunit;

namespace Qmta.Tests.Filter;

public sealed class AliasSourceTests
{
    private static string Parsed(string text) =>
        string.Join("; ", AliasSource.Parse(text, "aliases").Select(alias => alias.Name + " -> " + string.Join(" ", alias.Instructions)));

    [Theory]
    [InlineData("root: pi", "root@ -> &pi")]
    [InlineData("Root:\tPi\n", "root@ -> &Pi")]
    [InlineData("root:pi,ann@example.org", "root@ -> &pi &ann@example.org")]
    [InlineData("root: pi,\n  ann,\n\tbob\n", "root@ -> &pi &ann &bob")]
    [InlineData("# a comment\n\nroot: pi # not one", "root@ -> &pi &# &not &one")]
    [InlineData("root: \\root, pi", "root@ -> =root &pi")]
    [InlineData("a: b\r\nc: d\r\n", "a@ -> &b; c@ -> &d")]
    [InlineData("list: :include:/etc/list", "list@ -> /etc/list")]
    [InlineData("list: \":include:/etc/my list\"", "list@ -> /etc/my list")]
    [InlineData("list: :INCLUDE: /etc/list", "list@ -> /etc/list")]
    [InlineData("log: |cat", "log@ -> |cat")]
    [InlineData("log: \"|/bin/log -m \\\"a, b\\\"\", pi", "log@ -> |/bin/log -m \"a, b\" &pi")]
    [InlineData("nobody: /dev/null", "nobody@ -> #")]
    [InlineData("\"first last\": pi", "first last@ -> &pi")]
    [InlineData("joe@Example.org: pi", "joe@example.org -> &pi")]
    [InlineData("joe@: pi", "joe@ -> &pi")]
    [InlineData("@example.org: pi", "@example.org -> &pi")]
    [InlineData("a: \"x, y\"@example.org, b", "a@ -> &x, y@example.org &b")]
    [InlineData("a: Joe (Doe, Joe) <joe@example.org>", "a@ -> &joe@example.org")]
    [InlineData("a: b, , c,", "a@ -> &b &c")]
    [InlineData("", "")]
    [InlineData("#\n\n", "")]
    public void Understood(string text, string expected) => Assert.Equal(expected, Parsed(text));

    [Theory]
    [InlineData("root pi", "line 1: it has no colon")]
    [InlineData("a: b\n\nroot:", "line 3: it has no recipient")]
    [InlineData("  root: pi", "line 1: it continues nothing")]
    [InlineData("a: /var/mail/a", "into a file")]
    [InlineData("a: :fail: no", "not understood")]
    [InlineData("a: :include:list", "whole path")]
    [InlineData("a: |", "empty command")]
    [InlineData("a b: c", "one name")]
    [InlineData(": c", "one name")]
    [InlineData("a: b@c>", "> without a <")]
    [InlineData("a: \"b", "does not end")]
    [InlineData("a: b\0", "NUL")]
    [InlineData("a: \"b@c\"", "quoted @")]
    public void Refused(string text, string why) =>
        Assert.Contains(why, Assert.Throws<FormatException>(() => Parsed(text)).Message);

    [Fact]
    public void AddressesHaveALimit()
    {
        Assert.NotEmpty(Parsed("a: " + new string('x', AliasSource.LongestAddress)));
        Assert.Contains("900 bytes", Assert.Throws<FormatException>(() => Parsed("a: x" + new string('x', AliasSource.LongestAddress))).Message);
    }

    [Fact]
    public void AnIncludedListHasNoPrograms()
    {
        List<string> found = [];
        Assert.Contains("programs", AliasSource.Recipients("joe, |cat", programs: false, found));
        Assert.Null(AliasSource.Recipients("ann, :include:/x", programs: false, found));
    }
}
