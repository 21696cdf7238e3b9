// A message of the queue as a person sees it: what it is, to whom it still has to go, and why it has not gone.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Queue;

/// <summary>One recipient of a message in the queue.</summary>
/// <param name="Address">As in the queue; a virtual domain's local recipient has its prefix already.</param>
/// <param name="Channel">Which way it goes; null while nobody has decided that.</param>
/// <param name="Done">Whether it is delivered, or failed for good and noted for the bounce.</param>
/// <param name="NextAttempt">
/// When it will be tried again at the latest, in seconds since 1970; not after the present when it is being tried or
/// waits only for its turn. Meaningless when it is done.
/// </param>
/// <param name="Deferral">Why it waits; null when no attempt was deferred, as far as noted.</param>
public readonly record struct ListedRecipient(string Address, ChannelKind? Channel, bool Done, long NextAttempt, Deferral? Deferral);

/// <summary>A message in the queue (queue(5)); see <see cref="QueueListing"/>.</summary>
public sealed class ListedMessage
{
    private readonly QueueLayout queue;
    private readonly long now;

    internal ListedMessage(QueueLayout queue, ulong id, long now)
    {
        this.queue = queue;
        this.now = now;
        Id = id;
    }

    /// <summary>Its number.</summary>
    public ulong Id { get; }

    /// <summary>Bytes of the message.</summary>
    public long Size { get; internal init; }

    /// <summary>When it entered the queue, in seconds since 1970.</summary>
    public long Arrival { get; internal init; }

    /// <summary>The envelope sender; "" for the null sender and when <see cref="Problem"/> says that it cannot be read.</summary>
    public string Sender { get; internal init; } = "";

    /// <summary>Whether it waits for its first attempt, or is under it: nothing about its recipients is decided on disk.</summary>
    public bool IsNew { get; internal init; }

    /// <summary>Whether the operator holds it: it is not tried until it is released.</summary>
    public bool IsHeld { get; internal init; }

    /// <summary>Whether some recipients failed for good; the sender will be told when the others are done with.</summary>
    public bool HasFailures { get; internal init; }

    /// <summary>Why a part of it cannot be shown; null when there is no such part. Set while recipients are listed, too.</summary>
    public string? Problem { get; internal set; }

    /// <summary>
    /// Its recipients, local ones first, read one at a time. When the message moves on meanwhile, the list may end early.
    /// </summary>
    public IEnumerable<ListedRecipient> Recipients()
    {
        if (IsNew)
        {
            bool any = false;
            foreach ((char kind, string address) in Records(queue.Todo(Id)))
            {
                any = true;
                if (kind == 'T') yield return new ListedRecipient(address, null, false, now, null);
            }
            if (any) yield break; // else it was taken in since
        }
        Dictionary<string, Deferral> notes = DeferralNotes.Read(queue, Id);
        for (ChannelKind channel = ChannelKind.Local; channel <= ChannelKind.Remote; channel++)
        {
            string path = queue.Recipients(channel, Id);
            if (Files.Status(path, out FileStatus status) < 0) continue;
            long next = NextAttempt(status.Modified, channel);
            foreach ((char kind, string address) in Records(path))
                if (kind is 'T' or 'D')
                    yield return new ListedRecipient(address, channel, kind == 'D', next,
                        notes.TryGetValue(address, out Deferral deferral) ? deferral : null);
        }
    }

    // A file's time of modification in the future is the next attempt (queue(5)). One in the past says nothing: then the
    // schedule tells the latest time.
    private long NextAttempt(long modified, ChannelKind channel)
    {
        long latest = RetrySchedule.Next(Arrival, now, channel);
        return modified > now ? Math.Min(modified, latest) : latest;
    }

    // The records of a file; what is wrong with it ends them and becomes the problem, unless it is only gone.
    private IEnumerable<(char Kind, string Value)> Records(string path)
    {
        int fd = QueueListing.Open(path, out string? problem);
        if (fd < 0)
        {
            Problem ??= problem;
            yield break;
        }
        try
        {
            EnvelopeReader reader = new(fd, path);
            while (Next(reader)) yield return (reader.Kind, reader.Value);
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private bool Next(EnvelopeReader reader)
    {
        try
        {
            return reader.Next();
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            Problem ??= failure.Message;
            return false;
        }
    }
}
