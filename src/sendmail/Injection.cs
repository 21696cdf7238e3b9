// Injection: a message is read, its header completed, and handed to the queue program with its envelope.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

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
    private readonly List<string> recipients = [];
    private readonly List<AddressRange> addresses = [];
    private readonly List<Edit> edits = [];

    internal Injection(Submission submission, InjectLetters letters, ControlFiles control, MessageInput input, MessageOutput output)
    {
        this.submission = submission;
        this.letters = letters;
        this.input = input;
        this.output = output;
        names = new HostNames(control);
        author = new Author(submission, names.Completion, letters);
    }

    /// <summary>The envelope's recipients, complete when <see cref="Transfer"/> has returned.</summary>
    internal IReadOnlyList<string> Recipients => recipients;

    /// <summary>Injects the message on standard input.</summary>
    /// <exception cref="InjectException">It is not in the queue.</exception>
    /// <exception cref="PosixException">The system failed; it is not in the queue.</exception>
    /// <exception cref="FormatException">A control file cannot be understood; it is not in the queue.</exception>
    internal static void Run(Submission submission)
    {
        Signals.IgnorePipe();
        InjectLetters letters = InjectLetters.FromEnvironment();
        ControlFiles control = ControlFiles.FromEnvironment();
        MessageInput input = MessageInput.Of(submission);
        if (submission.Print || letters.Print)
        {
            MessageOutput printer = new(null, new ByteWriter(1, "standard output"), SizeLimit(control));
            _ = new Injection(submission, letters, control, input, printer).Transfer();
            return;
        }
        // The queue program's time limit must not run before there is a message: a job may be silent for a day.
        _ = Poll.WaitFor(0, writable: false, -1);
        // It starts while the header is read: on two processors the two start-ups take the time of one.
        QueueProgram queue = QueueProgram.Start(out QueueResult result) ?? throw Refused(result);
        bool done = false;
        try
        {
            MessageOutput output = new(queue, null, SizeLimit(control));
            Injection injection = new(submission, letters, control, input, output);
            string sender = injection.Transfer();
            queue.From(sender);
            foreach (string recipient in injection.recipients) queue.To(recipient);
            done = true;
            result = queue.Close();
        }
        finally
        {
            if (!done)
            {
                queue.Fail();
                _ = queue.Close();
            }
        }
        if (!result.Accepted) throw Refused(result);
    }

    private static InjectException Refused(QueueResult result) =>
        new(result.Permanent ? Failure.Unavailable : Failure.Temporary, result.Sentence);

    // DATABYTES overrides control/databytes; 0 is no limit (qmail-control(5)).
    private static long SizeLimit(ControlFiles control)
    {
        string? variable = Variables.Get("DATABYTES");
        if (string.IsNullOrEmpty(variable)) return control.Number("databytes", 0);
        return long.TryParse(variable, NumberStyles.None, CultureInfo.InvariantCulture, out long limit) ? limit
            : throw new InjectException(Failure.Configuration, "DATABYTES is not a number: " + Words.Shown(variable));
    }

    /// <summary>Reads the message and puts it out completed; returns the envelope sender.</summary>
    /// <exception cref="InjectException">The message cannot be sent.</exception>
    /// <exception cref="PosixException">The system failed.</exception>
    internal string Transfer()
    {
        ReadHeader();
        string sender = EnvelopeSender();
        if (submission.UsesArguments)
            foreach (string recipient in submission.Recipients) recipients.Add(names.Completion.CompleteAddress(recipient));
        PutMissingFields();
        foreach (HeaderField field in header.Fields) PutField(field);
        if (recipients.Count == 0) throw new InjectException(Failure.Data, "no recipients: the message's header names none");
        PutBody();
        output.Flush();
        return sender;
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
        bool wanted = submission.UsesHeader
            && (header.IsResent ? field.Kind.NamesResentRecipients() : field.Kind.NamesRecipients());
        bool deleted = IsDeleted(field.Kind);
        if (deleted && !wanted) return;
        ReadOnlySpan<byte> lines = header.Lines(field);
        if (field.Kind == FieldKind.MboxLine) output.Put("MBOX-Line: ");
        edits.Clear();
        if (field.Kind.HoldsAddresses()) Complete(field, deleted ? null : edits, wanted);
        if (deleted) return;
        int from = 0;
        foreach (Edit edit in edits)
        {
            output.Put(lines[from..edit.At]);
            output.Put(edit.Insert);
            from = edit.At + edit.Remove;
        }
        output.Put(lines[from..]);
        if (lines[^1] != '\n') output.Put("\n");
    }

    // Completes a field's addresses. A list that cannot be parsed matters only where recipients depend on it.
    private void Complete(HeaderField field, List<Edit>? changes, bool wanted)
    {
        ReadOnlySpan<byte> text = Contents(field);
        addresses.Clear();
        string? wrong = AddressList.Parse(text, addresses);
        if (wrong != null)
        {
            if (wanted) throw Unparsable(field, wrong);
            return;
        }
        int offset = field.Contents - field.Start;
        foreach (AddressRange address in addresses)
        {
            if (address.IsNull)
            {
                if (address.Comma >= 0) changes?.Add(new Edit(address.Comma, 0, ","));
                continue;
            }
            string complete = names.Completion.Complete(text, address, changes);
            if (!wanted) continue;
            if (complete[0] == '@') throw Unparsable(field, "it has an address without a local part");
            recipients.Add(Words.OneLine(complete, "an address in the " + field.Kind.Name() + " field", Failure.Data));
        }
        if (changes == null) return;
        for (int i = 0; i < changes.Count; i++) changes[i] = changes[i] with { At = changes[i].At + offset };
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

    // The command line, else the first Return-Path field, else the environment (qmail-inject(8)).
    private string EnvelopeSender()
    {
        if (submission.Sender != null)
            return submission.Sender.Length == 0 ? "" : names.Completion.CompleteAddress(submission.Sender);
        if (header.Has(FieldKind.ReturnPath) && !letters.IgnoreReturnPath)
        {
            foreach (HeaderField field in header.Fields)
                if (field.Kind == FieldKind.ReturnPath) return ReturnPath(field);
        }
        return author.EnvelopeSender(Stamps.Sender(now, Processes.Id));
    }

    private string ReturnPath(HeaderField field)
    {
        addresses.Clear();
        ReadOnlySpan<byte> text = Contents(field);
        string? wrong = AddressList.Parse(text, addresses);
        if (wrong != null) throw Unparsable(field, wrong);
        if (addresses.Count == 0 || addresses[0].IsNull) return "";
        return Words.OneLine(names.Completion.Complete(text, addresses[0], null), "the Return-Path field", Failure.Data);
    }
}
