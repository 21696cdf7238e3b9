// Deliveries of one account that go into a Maildir and nowhere else, done together so that they wait for the disk once.
//
// Every other delivery is left alone: what a program, a forward or a locked file does must not hold up the rest, so it gets
// a process to itself.
using System;
using System.Collections.Generic;
using Qmta.Mailbox;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>How one of several deliveries ended.</summary>
/// <param name="Code">The exit code, or <see cref="PlainDeliveries.NotPlain"/>.</param>
/// <param name="Text">What qmail-local would have printed.</param>
internal readonly record struct PlainOutcome(int Code, string Text);

/// <summary>Performs plain deliveries.</summary>
internal sealed class PlainDeliveries
{
    /// <summary>In the place of an exit code: nothing has been done, for this is no plain delivery.</summary>
    internal const int NotPlain = 255;

    /// <summary>Longest text of an outcome that is handed on.</summary>
    private const int LongestText = 2000;

    private readonly MessageFile message = new(-1);
    private readonly byte[] buffer = new byte[MaildirFile.BufferSize];
    private readonly Dictionary<(string Dash, string Ext), (string? Directory, bool Make)> plans = [];

    /// <summary>
    /// Performs them. The current directory becomes the home directory of the first; those with another are not performed.
    /// </summary>
    /// <param name="messages">The descriptor of each message.</param>
    internal PlainOutcome[] Perform(ReadOnlySpan<Delivery> deliveries, ReadOnlySpan<int> messages)
    {
        // What is said in a home directory counts as it is now, for these deliveries and no longer.
        plans.Clear();
        MaildirBatch batch = new();
        MaildirFile?[] files = new MaildirFile?[deliveries.Length];
        PlainOutcome[] outcomes = new PlainOutcome[deliveries.Length];
        string home = deliveries[0].Home;
        int entered = LocalDelivery.Try(() => LocalDelivery.EnterHome(home), out string trouble);
        for (int i = 0; i < deliveries.Length; i++)
        {
            Delivery delivery = deliveries[i];
            int fd = messages[i];
            if (entered != 0) outcomes[i] = new(entered, trouble + "\n");
            else if (delivery.Home != home) outcomes[i] = new(NotPlain, "");
            else
            {
                int code = LocalDelivery.Try(() => files[i] = Write(delivery, fd, batch), out string sentence);
                outcomes[i] = code != 0 ? new(code, sentence + "\n") : files[i] == null ? new(NotPlain, "") : new(0, "did 1+0+0\n");
            }
        }
        batch.Publish();
        for (int i = 0; i < files.Length; i++)
            if (files[i] is MaildirFile file)
            {
                if (Maildir.Failure(batch, file) is DeliveryFailure failure) outcomes[i] = new(failure.Code, failure.Message + "\n");
                file.Dispose();
            }
        return outcomes;
    }

    // Null when it is no plain delivery.
    private MaildirFile? Write(Delivery delivery, int fd, MaildirBatch batch)
    {
        message.Open(fd);
        LoopCheck.Check(message, delivery);
        if (!plans.TryGetValue((delivery.Dash, delivery.Ext), out (string? Directory, bool Make) plan))
        {
            plan.Directory = LocalDelivery.OnlyMaildir(delivery, out plan.Make);
            plans[(delivery.Dash, delivery.Ext)] = plan;
        }
        return plan.Directory == null ? null : Maildir.Write(plan.Directory, message, delivery, plan.Make, batch, buffer);
    }

    /// <summary>Outcomes as bytes: of each the code, the text and a NUL.</summary>
    internal static byte[] Encode(ReadOnlySpan<PlainOutcome> outcomes)
    {
        List<byte> bytes = [];
        foreach ((int code, string text) in outcomes)
        {
            bytes.Add((byte)code);
            bytes.AddRange(Latin1.Bytes(text[..Math.Min(text.Length, LongestText)].Replace('\0', '?')));
            bytes.Add(0);
        }
        return [.. bytes];
    }

    /// <summary>The outcomes of so many deliveries; null when these bytes are something else.</summary>
    internal static PlainOutcome[]? Decode(ReadOnlySpan<byte> bytes, int count)
    {
        PlainOutcome[] outcomes = new PlainOutcome[count];
        for (int i = 0; i < count; i++)
        {
            if (bytes.IsEmpty) return null;
            int code = bytes[0];
            bytes = bytes[1..];
            int end = bytes.IndexOf((byte)0);
            if (end < 0) return null;
            outcomes[i] = new(code, Latin1.String(bytes[..end]));
            bytes = bytes[(end + 1)..];
        }
        return bytes.IsEmpty ? outcomes : null;
    }
}
