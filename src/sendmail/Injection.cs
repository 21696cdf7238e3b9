// Injection: a message is read, its header completed, and handed to the queue program with its envelope.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Srs;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Inject;

/// <summary>
/// One message on its way from standard input into the queue (qmail-inject(8), qmail-header(5)). The header is held in
/// memory, the body passes through one buffer, byte for byte.
/// </summary>
internal sealed class Injection
{
    private readonly Submission submission;
    private readonly InjectLetters letters;
    private readonly HostNames names;
    private readonly Author author;
    private readonly MessageHeader header = new();
    private readonly MessageInput input;
    private readonly MessageOutput output;
    private readonly long now = Clocks.RealtimeMicroseconds;
    private readonly ControlFiles control;
    private readonly List<Edit> edits = [];

    internal Injection(Submission submission, InjectLetters letters, ControlFiles control, MessageInput input, MessageOutput output)
    {
        this.submission = submission;
        this.letters = letters;
        this.control = control;
        this.input = input;
        this.output = output;
        names = new HostNames(control);
        author = new Author(submission, names.Completion, letters);
    }

    /// <summary>Injects the message on standard input.</summary>
    /// <exception cref="InjectException">It is not in the queue.</exception>
    /// <exception cref="PosixException">The system failed; it is not in the queue.</exception>
    /// <exception cref="FormatException">A control file cannot be understood; it is not in the queue.</exception>
    /// <exception cref="TlsException">The sender cannot be rewritten without OpenSSL; it is not in the queue.</exception>
    internal static void Run(Submission submission)
    {
        Signals.IgnorePipe();
        InjectLetters letters = InjectLetters.FromEnvironment();
        ControlFiles control = ControlFiles.FromEnvironment();
        MessageInput input = MessageInput.Of(submission);
        if (submission.Print ?? letters.Print)
        {
            MessageOutput printer = new(null, new ByteWriter(1, "standard output"), SizeLimit(control));
            _ = new Injection(submission, letters, control, input, printer).Transfer();
            return;
        }
        // The queue program's time limit must not run before there is a message: a job may be silent for a day.
        _ = Poll.WaitFor(0, writable: false, -1);
        EnvelopeRules rules = EnvelopeRules.Read(control);
        // It starts while the header is read: on two processors the two start-ups take the time of one.
        QueueProgram? queue = rules.IsEmpty ? Start() : null;
        QueueResult result;
        bool done = false;
        try
        {
            MessageOutput output = new(queue, null, SizeLimit(control));
            Injection injection = new(submission, letters, control, input, output);
            string sender = injection.ReadEnvelope();
            if (queue == null)
            {
                rules.Apply(sender, injection.PutRecipients);
                output.Begin(queue = Start(), SizeLimit(control));
            }
            injection.PutMessage(sender);
            queue.From(sender);
            injection.PutRecipients(queue.To);
            done = true;
            result = queue.Close();
        }
        finally
        {
            if (!done)
            {
                queue?.Fail();
                _ = queue?.Close();
            }
        }
        if (!result.Accepted) throw Refused(result);
    }

    private static QueueProgram Start() => QueueProgram.Start(out QueueResult result) ?? throw Refused(result);

    private static InjectException Refused(QueueResult result) =>
        new(result.Permanent ? Failure.Unavailable : Failure.Temporary, result.Sentence);

    private static long SizeLimit(ControlFiles control) => Limit(control, "DATABYTES", "databytes");

    // The variable overrides the control file; 0 is no limit (qmail-control(5)).
    private static long Limit(ControlFiles control, string name, string file)
    {
        string? variable = Variables.Get(name);
        if (string.IsNullOrEmpty(variable)) return control.Number(file, 0);
        return long.TryParse(variable, NumberStyles.None, CultureInfo.InvariantCulture, out long limit) ? limit
            : throw new InjectException(Failure.Configuration, name + " is not a number: " + Words.Shown(variable));
    }

    /// <summary>Reads the message and puts it out completed; returns the envelope sender.</summary>
    /// <exception cref="InjectException">The message cannot be sent.</exception>
    /// <exception cref="PosixException">The system failed.</exception>
    internal string Transfer()
    {
        string sender = ReadEnvelope();
        PutMessage(sender);
        return sender;
    }

    // The header, and the sender; the recipients are sound.
    private string ReadEnvelope()
    {
        ReadHeader();
        CheckRecipients();
        return Forwarded(EnvelopeSender());
    }

    private void PutMessage(string sender)
    {
        if (submission.Print ?? letters.Print) output.Put("Return-Path: <" + QuotedAddress.Of(sender) + ">\n");
        PutMissingFields();
        foreach (HeaderField field in header.Fields) PutField(field);
        PutBody();
        output.Flush();
    }

    /// <summary>Hands over the envelope's recipients, after <see cref="Transfer"/>.</summary>
    // They are parsed again instead of kept: a header full of addresses would need ten times its size.
    internal void PutRecipients(Action<string> to)
    {
        if (submission.UsesArguments)
            foreach (string recipient in submission.Recipients) to(names.Completion.CompleteAddress(recipient));
        foreach (HeaderField field in header.Fields)
            if (IsWanted(field.Kind)) EachAddress(field, address => to(Sound(field, address)));
    }

    private string Sound(HeaderField field, string address)
    {
        if (address[0] == '@') throw Unparsable(field, "it has an address without a local part");
        return Words.OneLine(address, "an address in the " + field.Kind.Name() + " field", Failure.Data);
    }

    // Nothing is put out before the whole envelope is known to be sound.
    private void CheckRecipients()
    {
        long count = 0, most = Limit(control, "MAXRECIPIENTS", "maxrecipients");
        PutRecipients(_ => count++);
        if (count == 0) throw new InjectException(Failure.Data, "no recipients: the message's header names none");
        if (most > 0 && count > most)
            throw new InjectException(Failure.Data, "the message has " + count + " recipients, and the limit is " + most + " (maxrecipients)");
    }

    private bool IsWanted(FieldKind kind) => submission.UsesHeader
        && (header.IsResent ? kind.NamesResentRecipients() : kind.NamesRecipients());

    private void EachAddress(HeaderField field, Action<string> to)
    {
        ReadOnlySpan<byte> text = Contents(field);
        AddressParser parser = new(text);
        while (parser.Next(out AddressRange address))
            if (!address.IsNull) to(names.Completion.Complete(text, address, null));
        if (parser.Wrong != null) throw Unparsable(field, parser.Wrong);
    }

    private void ReadHeader()
    {
        while (!header.IsComplete)
        {
            ReadOnlySpan<byte> piece = input.Next();
            if (piece.IsEmpty) header.End();
            else header.Add(piece);
            if (header.IsTooLong)
                throw new InjectException(Failure.Data, "the message's header is longer than " + MessageHeader.Longest + " bytes");
        }
    }

    private void PutBody()
    {
        // A body that follows the header without an empty line gets one.
        if (!header.Separator.IsEmpty) output.Put(header.Separator);
        else if (!header.BodyStart.IsEmpty) output.Put("\n"u8);
        output.Put(header.BodyStart);
        for (ReadOnlySpan<byte> piece = input.Next(); !piece.IsEmpty; piece = input.Next()) output.Put(piece);
    }

    // qmail-header(5), STAMPS, SENDER ADDRESSES, RECIPIENT ADDRESSES, RESENT MESSAGES
    private void PutMissingFields()
    {
        bool resent = header.IsResent;
        string prefix = resent ? "Resent-" : "";
        if (!header.Has(resent ? FieldKind.ResentDate : FieldKind.Date))
            output.Put(prefix + "Date: " + Date(now / 1_000_000) + "\n");
        FieldKind id = resent ? FieldKind.ResentMessageId : FieldKind.MessageId;
        if (!header.Has(id) || IsDeleted(id))
            output.Put(prefix + "Message-ID: <" + Stamps.MessageId(now, Processes.Id) + "@" + names.IdHost + ">\n");
        FieldKind from = resent ? FieldKind.ResentFrom : FieldKind.From;
        if (!header.Has(from) || IsDeleted(from)) output.Put(prefix + "From: " + author.FromContents + "\n");
        bool shown = resent
            ? header.Has(FieldKind.ResentTo) || header.Has(FieldKind.ResentCc)
            : header.Has(FieldKind.To) || header.Has(FieldKind.Cc);
        if (!shown) output.Put(prefix + "Cc: recipient list not shown: ;\n");
        if (!resent && !header.Has(FieldKind.MailFollowupTo)) PutMailFollowupTo();
    }

    // Replies to a mailing list go to it and to all who have the message, but not twice to its subscribers (qmail-inject(8)).
    private void PutMailFollowupTo()
    {
        string? file = Variables.Get("QMAILMFTFILE");
        List<string>? lists = string.IsNullOrEmpty(file) ? null : ControlFiles.LinesOf(file);
        if (lists == null) return;
        bool isToList = false;
        EachShown(address =>
        {
            foreach (string list in lists) isToList |= Latin1.EqualsIgnoreCase(list, address);
        });
        if (!isToList) return;
        string before = "Mail-Followup-To: ";
        EachShown(address =>
        {
            output.Put(before);
            output.Put(QuotedAddress.Of(address));
            before = ",\n  ";
        });
        output.Put("\n");
    }

    // The addresses in To and Cc, as envelopes have them; of a field that cannot be parsed none.
    private void EachShown(Action<string> take)
    {
        foreach (HeaderField field in header.Fields)
        {
            if (field.Kind is not (FieldKind.To or FieldKind.Cc) || AddressList.Fault(Contents(field)) != null) continue;
            EachAddress(field, address =>
            {
                if (Words.IsOneLine(address)) take(address);
            });
        }
    }

    private string Date(long seconds) =>
        submission.HasLocalDate ? Dates.Rfc5322(seconds, LocalTime.Offset(seconds)) : Dates.Rfc5322(seconds);

    // The letters f and i mean the fields that this injection would make: a forwarded message keeps its author's.
    private bool IsDeleted(FieldKind kind) => kind switch
    {
        FieldKind.Bcc or FieldKind.ResentBcc or FieldKind.ReturnPath or FieldKind.ContentLength => true,
        FieldKind.From => letters.DeleteFrom && !header.IsResent,
        FieldKind.ResentFrom => letters.DeleteFrom,
        FieldKind.MessageId => letters.DeleteMessageId && !header.IsResent,
        FieldKind.ResentMessageId => letters.DeleteMessageId,
        _ => false,
    };

    private void PutField(HeaderField field)
    {
        if (IsDeleted(field.Kind)) return;
        ReadOnlySpan<byte> lines = header.Lines(field);
        if (field.Kind == FieldKind.MboxLine) output.Put("MBOX-Line: ");
        // A list that cannot be parsed stays as it is: where recipients depend on it, this point is not reached.
        if (field.Kind.HoldsAddresses() && AddressList.Fault(Contents(field)) == null) PutCompleted(field);
        else output.Put(lines);
        if (lines[^1] != '\n') output.Put("\n");
    }

    private void PutCompleted(HeaderField field)
    {
        ReadOnlySpan<byte> lines = header.Lines(field), text = Contents(field);
        int offset = field.Contents - field.Start, from = 0;
        AddressParser parser = new(text);
        while (parser.Next(out AddressRange address))
        {
            edits.Clear();
            if (!address.IsNull) _ = names.Completion.Complete(text, address, edits);
            else if (address.Comma >= 0) edits.Add(new Edit(address.Comma, 0, ","));
            foreach (Edit edit in edits)
            {
                output.Put(lines[from..(offset + edit.At)]);
                output.Put(edit.Insert);
                from = offset + edit.At + edit.Remove;
            }
        }
        output.Put(lines[from..]);
    }

    private ReadOnlySpan<byte> Contents(HeaderField field)
    {
        ReadOnlySpan<byte> text = header.Lines(field)[(field.Contents - field.Start)..];
        if (!text.IsEmpty && text[^1] == '\n') text = text[..^1];
        if (!text.IsEmpty && text[^1] == '\r') text = text[..^1];
        return text;
    }

    private InjectException Unparsable(HeaderField field, string wrong) => new(Failure.Data,
        "unable to parse the " + field.Kind.Name() + " field, " + wrong + ": " + Words.Shown(Latin1.String(Contents(field)).Trim()));

    // The command line, else the first address of a Return-Path field, else the environment (qmail-inject(8)).
    private string EnvelopeSender()
    {
        if (submission.Sender != null)
            return submission.Sender.Length == 0 ? "" : names.Completion.CompleteAddress(submission.Sender);
        if (header.Has(FieldKind.ReturnPath) && !letters.IgnoreReturnPath && !submission.IgnoresReturnPath)
        {
            foreach (HeaderField field in header.Fields)
                if (field.Kind == FieldKind.ReturnPath && ReturnPath(field) is string sender) return sender;
        }
        return author.EnvelopeSender(Stamps.Sender(now, Processes.Id));
    }

    private string? ReturnPath(HeaderField field)
    {
        ReadOnlySpan<byte> text = Contents(field);
        if (AddressList.Fault(text) is string wrong) throw Unparsable(field, wrong);
        AddressParser parser = new(text);
        if (!parser.Next(out AddressRange address)) return null;
        if (address.IsNull) return "";
        string sender = Words.OneLine(names.Completion.Complete(text, address, null), "the Return-Path field", Failure.Data);
        return letters.PerRecipient && !sender.EndsWith("-@[]", StringComparison.Ordinal) ? sender + "-@[]" : sender;
    }

    // What a program of a .qmail file sends on has a sender that SPF at the destination accepts (qmail-srs(5)).
    private string Forwarded(string sender)
    {
        bool isForwarding = Variables.Get("EXT") != null && Variables.Get("HOST") != null;
        if (Variables.Get("QMAILINJECT_SKIP_SRS") != null || !isForwarding && Variables.Get("QMAILINJECT_FORCE_SRS") == null) return sender;
        if (sender.Length == 0 || !SenderRewriting.IsSetUp(control)) return sender;
        // It needs OpenSSL, which this program, linked statically, cannot load.
        string rewritten = Processes.OutputOf(Programs.Find("srsfilter"), ["srsfilter", "-f", sender], 4096, out ExitStatus status);
        if (status.Raw == 0 && rewritten.EndsWith('\n')) return rewritten[..^1];
        throw new FormatException("unable to rewrite the sender: srsfilter ended with " + (status.Crashed ? "a crash" : "exit code " + status.Code));
    }
}
