// A message on one channel: its recipients still to do, and the delivery of one of them that is under way.
using System;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>
/// One pass over a message's recipients on one channel. It ends when every recipient was tried once; those that were not
/// done with then wait for the next.
/// </summary>
internal sealed class Job
{
    private readonly string? path;
    private int fd = -1;
    private EnvelopeReader? reader;

    /// <summary>A pass over the recipients in a local or remote file.</summary>
    internal Job(ulong id, string sender, long birth, ChannelKind channel, string path)
        : this(id, sender, birth, channel) => this.path = path;

    /// <summary>
    /// A pass over the only recipient of a message still in todo. Nothing of it is written to the queue unless the
    /// attempt fails: there is nothing that a restart would have to know.
    /// </summary>
    internal static Job Direct(ulong id, string sender, long birth, Destination to) =>
        new(id, sender, birth, to.Channel) { Only = to.Address };

    private Job(ulong id, string sender, long birth, ChannelKind channel)
    {
        Id = id;
        Sender = sender;
        Birth = birth;
        Channel = channel;
    }

    internal ulong Id { get; }
    internal string Sender { get; }
    /// <summary>When the message entered the queue, seconds since 1970.</summary>
    internal long Birth { get; set; }
    internal ChannelKind Channel { get; }
    /// <summary>The only recipient of a message in todo; null when the recipients are in a file.</summary>
    internal string? Only { get; private init; }
    /// <summary>Header lines that go in front of the message, or "". Only what is written down has them.</summary>
    internal string ExtraHeader { get; init; } = "";
    /// <summary>Whether a temporary failure is final by now.</summary>
    internal bool Dying { get; set; }
    /// <summary>Recipients chosen and not yet concluded: under way, or waiting for their destination.</summary>
    internal int Open { get; set; }
    /// <summary>Recipients that are not done with.</summary>
    internal int Undone { get; set; }
    /// <summary>When a recipient may go that its domain's rate kept back, seconds since 1970; null when there is none.</summary>
    internal long? NotBefore { get; set; }
    /// <summary>Whether every recipient has been looked at.</summary>
    internal bool AllRead { get; private set; }

    /// <summary>The next recipient not done with; null when there is none left, and <see cref="AllRead"/> is set.</summary>
    /// <param name="position">Where its record is in the file.</param>
    internal string? NextRecipient(out long position)
    {
        position = 0;
        if (AllRead) return null;
        if (Only != null)
        {
            AllRead = true;
            Undone++;
            return Only;
        }
        try
        {
            if (reader == null)
            {
                fd = PosixException.Check(Files.Open(path!, OpenMode.Read | OpenMode.NonBlocking), "unable to open " + path);
                reader = new EnvelopeReader(fd, path!);
            }
            while (reader.Next())
            {
                if (reader.Kind != 'T') continue;
                position = reader.Position;
                Undone++;
                return reader.Value;
            }
        }
        catch (PosixException failure) when (failure.Errno == Errno.ENOENT)
        {
            // done with in the meantime
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Log.Line($"warning: {failure.Message}; will try again later");
            Undone++; // what cannot be read is not done
        }
        AllRead = true;
        Close();
        return null;
    }

    /// <summary>Notes in the file that a recipient is done with, so that no restart repeats it.</summary>
    internal void MarkDone(long position)
    {
        Undone--;
        if (Only != null) return;
        int file = Files.Open(path!, OpenMode.Write);
        int written = file < 0 ? file : Files.WriteAt(file, "D"u8, position);
        _ = Files.Close(file);
        if (written != 1) Log.Line($"warning: unable to mark a recipient in {path}: {Errno.Text(written)}; it may get the message twice");
    }

    /// <summary>Ends the pass here: recipients nobody has looked at are left for the next.</summary>
    internal void Abandon()
    {
        AllRead = true;
        Undone++;
        Close();
    }

    /// <summary>Lets go of the file.</summary>
    internal void Close()
    {
        _ = Files.Close(fd);
        fd = -1;
        reader = null;
    }

    /// <summary>
    /// The envelope sender for one recipient: "box-@host-@[]" is a request for one address per recipient,
    /// "box-user=domain@host" (VERP; addresses(5)).
    /// </summary>
    internal static string SenderFor(string sender, string recipient)
    {
        const string mark = "-@[]";
        if (!sender.EndsWith(mark)) return sender;
        string list = sender[..^mark.Length];
        int host = list.LastIndexOf('@');
        int at = recipient.LastIndexOf('@');
        return host < 0 || at < 0 ? sender : $"{list[..host]}{recipient[..at]}={recipient[(at + 1)..]}{list[host..]}";
    }
}

/// <summary>One recipient being delivered.</summary>
/// <param name="Job">The pass it belongs to.</param>
/// <param name="Recipient">The address.</param>
/// <param name="Position">Where its record is in the job's file.</param>
/// <param name="LogNumber">What the log calls it.</param>
internal sealed record Delivery(Job Job, string Recipient, long Position, long LogNumber);
