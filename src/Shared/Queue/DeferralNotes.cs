// Why recipients wait: a message's file in defer, which tells mailq what the last attempt at each recipient said.
//
// It is news for people, not state: it is not synced, may be incomplete after a crash, and nothing depends on it.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>Why and since when a recipient waits.</summary>
/// <param name="Time">When an attempt first ended so, in seconds since 1970; later ones with the same words add nothing.</param>
/// <param name="Reason">What the delivery program said, without its line ends.</param>
public readonly record struct Deferral(long Time, string Reason);

/// <summary>Writes and reads defer/N: for each deferral "T", the recipient, NUL, "Z", the time, a space, the reason, NUL.</summary>
public static class DeferralNotes
{
    // The last record of a recipient counts. A list of many recipients keeps the latest few dozen: a person wants to know
    // what is wrong, and the disk is not to be written for more.
    private const int LongestFile = 16384, LongestReason = 500;

    /// <summary>The last deferral of each recipient, as far as noted; empty when there are none or they cannot be read.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The message.</param>
    public static Dictionary<string, Deferral> Read(QueueLayout queue, ulong id) =>
        Parse(Files.ReadWhole(queue.Defer(id), LongestFile, out _) ?? []);

    private static Dictionary<string, Deferral> Parse(byte[] bytes)
    {
        Dictionary<string, Deferral> notes = [];
        string[] records = Latin1.String(bytes).Split('\0');
        // After the last NUL, and perhaps before it, there is what a crash left.
        for (int i = 0; i + 2 < records.Length; i++)
            if (records[i].StartsWith('T') && TryParse(records[i + 1], out Deferral deferral)) notes[records[i++][1..]] = deferral;
        return notes;
    }

    /// <summary>
    /// Notes a deferral; when the recipient's last one had the same words, nothing is written. Returns 0 or -errno.
    /// </summary>
    /// <param name="queue">The queue; its defer directory is made when it is missing.</param>
    /// <param name="id">The message.</param>
    /// <param name="recipient">The recipient, as in the message's local or remote file.</param>
    /// <param name="deferral">When and why.</param>
    public static int Add(QueueLayout queue, ulong id, string recipient, Deferral deferral)
    {
        string reason = deferral.Reason.Replace('\0', ' ').TrimEnd('\n').Replace('\n', '/');
        if (reason.Length > LongestReason) reason = reason[..LongestReason];
        string path = queue.Defer(id);
        byte[] before = Files.ReadWhole(path, LongestFile, out _) ?? [];
        if (Parse(before).TryGetValue(recipient, out Deferral last) && last.Reason == reason) return 0;
        int fd = Open(path);
        if (fd == -Errno.ENOENT)
        {
            int made = Files.MakeDirectory(QueueLayout.DirectoryOf(path), 0x1C0 /* 0700 */);
            if (made < 0) return made;
            fd = Open(path);
        }
        if (fd < 0) return fd;
        string record = (before is [.., not 0] ? "\0T" : "T") + recipient + "\0Z" + deferral.Time.ToString(CultureInfo.InvariantCulture) + " " + reason + "\0";
        int error = Files.Status(fd, out FileStatus status);
        if (error >= 0 && status.Size + record.Length > LongestFile) error = Files.Truncate(fd, 0);
        if (error >= 0) error = Files.WriteAll(fd, Latin1.Bytes(record));
        _ = Files.Close(fd);
        return error;
    }

    /// <summary>Removes what is noted about a message; there need not be anything.</summary>
    public static void Remove(QueueLayout queue, ulong id) => _ = Files.Unlink(queue.Defer(id));

    private static int Open(string path) =>
        Files.Open(path, OpenMode.Write | OpenMode.Create | OpenMode.Append | OpenMode.NoFollow, 0x180 /* 0600 */);

    private static bool TryParse(string record, out Deferral deferral)
    {
        deferral = default;
        int space = record.IndexOf(' ');
        if (space < 1 || record[0] != 'Z'
            || !long.TryParse(record.AsSpan(1, space - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long time)) return false;
        deferral = new Deferral(time, record[(space + 1)..]);
        return true;
    }
}
