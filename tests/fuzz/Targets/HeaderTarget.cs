// Whole messages through injection (qmail-inject(8)): no recipient is lost or invented, and nothing else changes.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Qmta.Control;
using Qmta.Inject;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// Either the message is refused, or the envelope has what the header names; what comes out has the body and every field
/// of no concern as they were, no blind copies, and does not change when it goes in again.
/// </summary>
internal sealed class HeaderTarget : Target
{
    internal override string Name => "header";
    internal override string[] Words => ["To: ", "\nTo: a\n", "\nCc: b@c, d\n", "\nBcc: x@y\n", "\nResent-To: z\n", "\nFrom: q\n", "\nReply-To: \"\n", "\n\n",
        "\r\n", "\r\n\r\n", "\n ", "\n\t", "From x\n", ">From y\n", "Return-Path: <a@b>\n", "\nX: y\n", "<a@b>", "(c)", "g: a;", "\\", " :", "\nBcc : x\n", "\\\n ", "\\\r\n\t", "joe@x, ", "\nTo:"];

    internal override long Allowance(int length) => (4 << 20) + 3000L * length;

    private readonly ControlFiles control = new(Scratch.Folder("header"));

    public HeaderTarget()
    {
        File.WriteAllText(control.PathOf("me"), "pi.example.org\n");
        foreach (string name in new[] { "QMAILINJECT", "EXT", "HOST", "QMAILMFTFILE", "DATABYTES", "MAXRECIPIENTS", "NAME", "MAILNAME", "QMAILNAME" })
            Variables.Set(name, null);
        Variables.Set("USER", "pi");
    }

    internal override void Run(byte[] input)
    {
        List<string> recipients;
        byte[] first;
        try
        {
            (first, recipients, _) = Inject(input, "-h");
        }
        catch (InjectException e) when (e.Failure == Failure.Data)
        {
            return;
        }
        (MessageHeader before, MessageHeader after) = (Header(input), Header(first));
        Must(recipients.Count > 0 && recipients.All(r => r.Contains('@') && r[0] != '@' && r.AsSpan().IndexOfAny('\0', '\r', '\n') < 0),
            "recipients are addresses");
        Must(!after.Has(FieldKind.Bcc) && !after.Has(FieldKind.ResentBcc) && !after.Has(FieldKind.ReturnPath) && !after.Has(FieldKind.ContentLength),
            "what is to be removed is removed");
        MustEqual(Rest(input, before), Rest(first, after), "the body");
        MustEqual(Fields(before, FieldKind.Other), Fields(after, FieldKind.Other, skipMbox: before.Has(FieldKind.MboxLine)),
            "fields of no concern");
        foreach (FieldKind kind in new[] { FieldKind.To, FieldKind.Cc, FieldKind.ApparentlyTo, FieldKind.ResentTo })
            Must(Count(after, kind) == Count(before, kind) || kind == FieldKind.Cc && Count(before, kind) == 0, "no field is lost");
        byte[] second = Inject(first, "-a", "someone@example.net").Output;
        Must(second.AsSpan().SequenceEqual(first), "injected again it does not change");
        bool hides = before.Has(FieldKind.Bcc) || before.Has(FieldKind.ResentBcc);
        List<string> named = [];
        try
        {
            named = Inject(first, "-h").Recipients;
        }
        catch (InjectException) when (hides)
        {
            // nobody is left to be named
        }
        if (!hides) Must(named.SequenceEqual(recipients), "what comes out names the same recipients");
        else if (before.IsResent == after.IsResent) Must(IsPart(named, recipients), "what comes out names no others");
    }

    private static bool IsPart(List<string> part, List<string> whole)
    {
        int at = 0;
        foreach (string each in whole)
            if (at < part.Count && part[at] == each) at++;
        return at == part.Count;
    }

    private (byte[] Output, List<string> Recipients, string Sender) Inject(byte[] message, params string[] arguments)
    {
        string path = Scratch.Write("message", message), outPath = Scratch.Path + "/injected";
        int input = Files.Open(path, OpenMode.Read);
        int output = Files.Open(outPath, OpenMode.Write | OpenMode.Create | OpenMode.Truncate, 0x180);
        try
        {
            Submission submission = QmailInject.Parse(arguments);
            Injection injection = new(submission, new InjectLetters(""), control, MessageInput.Of(submission, input),
                new MessageOutput(null, new ByteWriter(output, "output"), 0));
            string sender = injection.Transfer();
            List<string> recipients = [];
            injection.PutRecipients(recipients.Add);
            return (File.ReadAllBytes(outPath), recipients, sender);
        }
        finally
        {
            _ = Files.Close(input);
            _ = Files.Close(output);
        }
    }

    private static MessageHeader Header(byte[] message)
    {
        MessageHeader header = new();
        header.Add(message);
        if (!header.IsComplete) header.End();
        return header;
    }

    // The empty line and what follows; where there was none, one has been put in if there is a body.
    private static string Rest(byte[] message, MessageHeader header)
    {
        string rest = Text(header.Separator) + Text(header.BodyStart);
        return header.Separator.IsEmpty && rest.Length > 0 ? "\n" + rest : rest;
    }

    private static int Count(MessageHeader header, FieldKind kind) => header.Fields.Count(field => field.Kind == kind);

    private static string Fields(MessageHeader header, FieldKind kind, bool skipMbox = false)
    {
        StringBuilder all = new();
        foreach (HeaderField field in header.Fields)
        {
            string lines = Text(header.Lines(field));
            if (field.Kind != kind || skipMbox && lines.StartsWith("MBOX-Line: ", StringComparison.Ordinal)) continue;
            all.Append(lines);
            if (lines[^1] != '\n') all.Append('\n');
        }
        return all.ToString();
    }
}
