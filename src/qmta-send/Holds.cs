// Messages on hold: hold/N is a second link to mess/N, so that the number cannot become another message's while it is
// there, and a restart finds the hold again (queue(5)).
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>Which messages the operator holds back, and which attempts of theirs wait for the release.</summary>
internal sealed class Holds
{
    private readonly QueueLayout queue;
    private readonly HashSet<ulong> held = [];
    private readonly List<(ChannelKind Channel, ulong Id, long Due)> parked = [];

    internal Holds(QueueLayout queue) => this.queue = queue;

    /// <summary>Attempts that wait: they have a time, but no turn.</summary>
    internal IReadOnlyList<(ChannelKind Channel, ulong Id, long Due)> Parked => parked;

    internal bool Any => held.Count > 0;

    internal bool Contains(ulong id) => held.Contains(id);

    /// <summary>Finds the holds again that an earlier run made; a message that is gone needs none.</summary>
    internal void Load()
    {
        try
        {
            foreach (string name in (List<string>)[.. Files.List(queue.Directory + "/hold")])
                if (QueueLayout.TryParseId(name, out ulong id))
                {
                    if (Files.Status(queue.Mess(id), out _) == -Errno.ENOENT) _ = Files.Unlink(queue.Hold(id));
                    else held.Add(id);
                }
        }
        catch (PosixException)
        {
            // Older queues, and qmail's, have no such directory.
        }
    }

    /// <summary>Holds a message from now on. Returns 0 or -errno.</summary>
    internal int Add(ulong id)
    {
        string path = queue.Hold(id), directory = QueueLayout.DirectoryOf(path);
        int made = Files.Link(queue.Mess(id), path);
        if (made == -Errno.ENOENT)
        {
            _ = Files.MakeDirectory(directory, 0x1C0 /* 0700 */);
            made = Files.Link(queue.Mess(id), path);
        }
        if (made >= 0) made = Files.SyncDirectory(directory);
        if (made < 0 && made != -Errno.EEXIST) return made;
        held.Add(id);
        return 0;
    }

    /// <summary>Lets an attempt wait for the release.</summary>
    internal void Park(ChannelKind channel, ulong id, long due) => parked.Add((channel, id, due));

    /// <summary>Ends a hold, if there is one; the attempts that waited for that.</summary>
    internal List<(ChannelKind Channel, ulong Id, long Due)> Forget(ulong id)
    {
        if (!held.Remove(id)) return [];
        _ = Files.Unlink(queue.Hold(id));
        List<(ChannelKind Channel, ulong Id, long Due)> freed = [];
        for (int i = parked.Count - 1; i >= 0; i--)
        {
            if (parked[i].Id != id) continue;
            freed.Add(parked[i]);
            parked.RemoveAt(i);
        }
        return freed;
    }

    /// <summary>Makes everything due by then when it is released.</summary>
    internal void Hasten(long now)
    {
        for (int i = 0; i < parked.Count; i++) parked[i] = parked[i] with { Due = Math.Min(parked[i].Due, now) };
    }

    /// <summary>Shifts all times by a step of the clock, in seconds.</summary>
    internal void Shift(long seconds)
    {
        for (int i = 0; i < parked.Count; i++) parked[i] = parked[i] with { Due = parked[i].Due + seconds };
    }
}
