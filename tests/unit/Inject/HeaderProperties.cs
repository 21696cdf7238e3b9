// What holds for every header, tried with many: nothing is lost or invented between the header and the envelope.
using System;
using System.Collections.Generic;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Inject;
using Xunit;

namespace Qmta.Tests.Inject;

/// <summary>
/// "No recipient is lost or invented" means: the envelope has exactly the addresses that were written into the header, each
/// as often as it was written there and in that order, completed; and what comes out names the same addresses again, but
/// for those in Bcc.
/// </summary>
[Collection("alone")]
public class HeaderProperties
{
    private const string Host = "pi.example.org";

    // An address as it is written, and as an envelope has it.
    private static readonly Gen<(string Text, string Envelope)> Address = Gen.Elements(
        ("joe@example.net", "joe@example.net"), ("joe", "joe@" + Host), ("joe@silver", "joe@silver." + Host),
        ("joe@silver+", "joe@silver." + Host), ("joe@example.net.", "joe@example.net"), ("joe@", "joe@" + Host),
        ("\"a, b\"@example.net", "a, b@example.net"), ("\"a@b\"@[192.0.2.1]", "a@b@[192.0.2.1]"),
        ("j\u00c3\u00b6e@example.net", "j\u00c3\u00b6e@example.net"), ("j . d @ ex . net", "j.d@ex.net"),
        ("a\\,b@example.net", "a,b@example.net"), ("j(c)@(d)example.net", "j@example.net"), ("x@y@example.net", "x@y@example.net"));

    // Everything that may stand around one without changing who it is.
    private static readonly Gen<string> Form = Gen.Elements(
        "{0}", "<{0}>", "Joe Doe <{0}>", "\"Doe, Joe; <x@y>: (\" <{0}>", "{0} (a, b@c <)", "(x@y,) {0}", "<@r.s,@t:{0}>",
        "group: {0};", "group: ;, {0}", "x@y.z <{0}>", "=?utf-8?q?J?= <{0}>", "J\u00f6 <{0}>", "{0},", ", {0}", "<>, {0}",
        "g (c): {0} (d);", "(a(b)\\)) <{0} (c)>", "a: Joe <{0}>, <>;");

    // What may stand between two list elements, and where a line may end.
    private static readonly Gen<string> Comma = Gen.Elements(",", ", ", " ,\n ", ",\r\n\t", ",,\n  ", ",(no, one@here)\n ", ";");
    private static readonly Gen<string> Field = Gen.Elements("To", "Cc", "Bcc", "Apparently-To", "to", "bCC");
    private static readonly Gen<string> Other = Gen.Elements(
        "Subject: hello\n", "X: a@b, c@d\n e@f\n", "Reply-To: joe, <x\n", "From: nina\n", "Date: now\n", "Sender: (\n", "");

    private static readonly Gen<(string Text, string[] Envelope)> List =
        from elements in Gen.Zip(Gen.Zip(Address, Form), Comma).NonEmptyListOf()
        select (string.Concat(elements.Select((e, i) => (i == 0 ? "" : elements[i - 1].Item2) + e.Item1.Item2.Replace("{0}", e.Item1.Item1.Text))),
            elements.Select(e => e.Item1.Item1.Envelope).ToArray());

    private static readonly Gen<(string Name, string Before, string Text, string[] Envelope)> Fields =
        from name in Field
        from before in Other
        from list in List
        select (name, before, list.Text, list.Envelope);

    [Fact]
    public void TheEnvelopeHasWhatTheHeaderNames() =>
        Prop.ForAll(Arb.From(Fields.NonEmptyListOf()), Arb.From(Gen.Elements("", "\n", "\nbody\0\n.\nTo: x", "no header\n\n")), (fields, body) =>
        {
            string header = string.Concat(fields.Select(f => f.Before + f.Name + ": " + f.Text + "\n"));
            string[] named = [.. fields.SelectMany(f => f.Envelope)];
            Injected injected = Injected.ByInject(header + body);
            bool kept = injected.Recipients.SequenceEqual(named);
            string[] shown = [.. fields.Where(f => !Latin1Equal(f.Name, "Bcc")).SelectMany(f => f.Envelope)];
            Injected again = Injected.ByInject(injected.Text, shown.Length == 0 ? "-a nobody" : "-h");
            string rest = body.Length > 0 && body[0] != '\n' ? "\n" + body : body;
            return kept && (shown.Length == 0 || again.Recipients.SequenceEqual(shown)) && again.Text == injected.Text
                && injected.Text.EndsWith("\n" + rest, StringComparison.Ordinal) && again.Sender == injected.Sender;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    private static bool Latin1Equal(string a, string b) => Qmta.Text.Latin1.EqualsIgnoreCase(a, b);

    // Any bytes: either the message is refused, or what goes in and what comes out name the same recipients.
    private static readonly Gen<string> Piece = Gen.Elements(
        "a", "b.c", "@", "<", ">", ",", " ", ":", ";", "(c)", "\"q r\"", "[1.2]", "\\", "\"", "(", ")", ".", "+", "\n ", "\r\n\t",
        "\u00e9", "\t", "joe@x.y", "host", "<a@b>", "g:", "\\,", "@h", "\0", "\r", "\nCc: ", "\nBcc: d", "\nTo: ", "\nResent-To: e",
        "\nReply-To: f", "\nReturn-Path: g", "\nX: ", "\n\n", "From ", "x\n");

    [Fact]
    public void WhateverGoesInTwiceChangesNothing() =>
        Prop.ForAll(Arb.From(Piece.ArrayOf()), pieces =>
        {
            Injected injected;
            try
            {
                injected = Injected.ByInject("To: " + string.Concat(pieces));
            }
            catch (InjectException wrong)
            {
                return wrong.Failure == Failure.Data;
            }
            Injected again = Injected.ByInject(injected.Text, "-a someone@example.net");
            if (again.Text != injected.Text) return false;
            // Without Bcc the same recipients are named again; with it, those that are left, in their order.
            string[] named;
            try
            {
                named = Injected.ByInject(injected.Text, "-h").Recipients;
            }
            catch (InjectException)
            {
                named = [];
            }
            return pieces.Contains("\nBcc: d") ? IsPart(named, injected.Recipients) : named.SequenceEqual(injected.Recipients);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500));

    private static bool IsPart(string[] part, string[] whole)
    {
        Queue<string> left = new(part);
        foreach (string each in whole)
            if (left.Count > 0 && left.Peek() == each) left.Dequeue();
        return left.Count == 0;
    }
}
