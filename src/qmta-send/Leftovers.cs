// Which files of the queue can be there at all, so that nobody asks, for every message, for the removal of four that never
// were: a message that is delivered at its first attempt has none of them.
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>
/// Remembers which directories of info, local, remote and defer are empty. Only the process that has the queue's lock makes
/// files there: what was empty once stays so until this one says that it makes a file.
/// </summary>
internal sealed class Leftovers
{
    private readonly Dictionary<string, bool> empty = [];

    /// <summary>Whether there may be such a file.</summary>
    internal bool MayBe(string path)
    {
        string directory = QueueLayout.DirectoryOf(path);
        if (!empty.TryGetValue(directory, out bool isEmpty)) empty[directory] = isEmpty = IsEmpty(directory);
        return !isEmpty;
    }

    /// <summary>A file is about to be made.</summary>
    internal void Make(string path) => empty[QueueLayout.DirectoryOf(path)] = false;

    /// <summary>
    /// Removes what an attempt to settle a message left that a crash ended before the message was out of todo. Its number
    /// will be another message's one day, which must not inherit these recipients.
    /// </summary>
    /// <exception cref="PosixException">A file cannot be removed.</exception>
    internal void RemoveOf(QueueLayout queue, ulong id)
    {
        foreach (string path in (System.ReadOnlySpan<string>)[queue.Info(id), queue.Local(id), queue.Remote(id)])
        {
            int removed = MayBe(path) ? Files.Unlink(path) : 0;
            if (removed < 0 && removed != -Errno.ENOENT) PosixException.Check(removed, "unable to remove " + path);
        }
    }

    /// <summary>Removes the notes on why a message waits.</summary>
    internal void RemoveNotes(QueueLayout queue, ulong id)
    {
        if (MayBe(queue.Defer(id))) DeferralNotes.Remove(queue, id);
    }

    private static bool IsEmpty(string directory)
    {
        try
        {
            return !Files.HasEntries(directory);
        }
        catch (PosixException failure)
        {
            return failure.Errno == Errno.ENOENT; // as defer, which is made with its first file
        }
    }
}
