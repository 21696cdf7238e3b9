using System.Collections.Generic;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Qmta.Tests.Message;

public class AddressListProperties
{
    private static readonly Gen<string> Piece = Gen.Elements(
        "a", "b.c", "@", "<", ">", ",", " ", ":", ";", "(c)", "\"q r\"", "[1.2]", "\\", "\"", "(", ")", ".", "+", "\r\n ",
        "\u00e9", "\t", "joe@x.y", "host", "<a@b>", "g:", "\\,", "@h", "\0");

    [Fact]
    public void CompletingTwiceChangesNothing() =>
        Prop.ForAll(Arb.From(Piece.ArrayOf()), pieces =>
        {
            Completed once = Completed.Of(string.Concat(pieces));
            if (once.Wrong != null) return true;
            Completed twice = Completed.Of(once.Text);
            return twice.Wrong == null && twice.Edits == 0 && twice.Text == once.Text
                && twice.Recipients.SequenceEqual(once.Recipients);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20000));

    private static readonly Gen<(string Address, string Envelope)> Address = Gen.Elements(
        ("joe@example.org", "joe@example.org"), ("joe", "joe@dh.dd.example"), ("\"joe, doe\"@x.y", "joe, doe@x.y"),
        ("joe@host", "joe@host.dd.example"), ("joe@h+", "joe@h.plus.example"), ("j\u00f6e@[1.2.3.4]", "j\u00f6e@[1.2.3.4]"),
        ("\"a\\\"b\"@x.y", "a\"b@x.y"), ("a . b @ c . d", "a.b@c.d"));

    private static readonly Gen<string> Form = Gen.Elements(
        "{0}", "<{0}>", "Joe Doe <{0}>", "\"Doe, Joe; <x@y>\" <{0}>", "{0} (a, b@c)", "(x@y,) {0}", "<@r.s,@t:{0}>",
        "group: {0};", "x@y.z <{0}>", "\n {0} \r\n\t", "g (c): {0} (d);", "(a(b)\\)) <{0} (c)>", ", {0}, ", "e: ;, {0}");

    [Fact]
    public void NoRecipientIsLostOrInvented() =>
        Prop.ForAll(Arb.From(Gen.Zip(Address, Form).ArrayOf()), list =>
        {
            string text = string.Join(",", list.Select(each => each.Item2.Replace("{0}", each.Item1.Address)));
            return Completed.Of(text).Recipients.SequenceEqual(list.Select(each => each.Item1.Envelope));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void OldStyleListsAreListsOfTheirWords() =>
        Prop.ForAll(Arb.From(Gen.Elements("joe", "fred@x.y", "\"a b\"@h", "jane@host").ArrayOf()), words =>
            Completed.Of(string.Join(" ", words)).Recipients.Length == words.Length).QuickCheckThrowOnFailure();
}
