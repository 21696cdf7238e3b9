// What happened lately, in a file: who was answered, which messages came. Small, bounded, safe among processes.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

/// <summary>
/// Lines of a time in seconds since 1970, a space and a key. Opening the file locks it; entries older than the window
/// do not count and are dropped now and then. A line cut off by a crash is no entry.
/// </summary>
internal sealed class RecentFile : IDisposable
{
    /// <summary>So many entries are kept; a file is never much longer.</summary>
    internal const int MostEntries = 10_000;

    /// <summary>A key is cut after so many bytes.</summary>
    internal const int LongestKey = 500;

    private readonly string path;
    private readonly int fd;
    private readonly long now;
    private readonly List<(long Time, string Key)> entries = [];
    private bool rewrite;

    private RecentFile(string path, int fd, long now)
    {
        this.path = path;
        this.fd = fd;
        this.now = now;
    }

    /// <summary>Opens or creates the file, and waits for whoever has it open.</summary>
    /// <param name="window">Seconds for which an entry counts.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <exception cref="PosixException">The file cannot be used.</exception>
    internal static RecentFile Open(string path, long window, long now)
    {
        int fd = PosixException.Check(Files.Open(path, OpenMode.ReadWrite | OpenMode.Create | OpenMode.NonBlocking,
            0x180 /* 0600 */), "unable to open " + path);
        RecentFile file = new(path, fd, now);
        try
        {
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
            if (!status.IsFile) throw new PosixException(Errno.EINVAL, "unable to use " + path);
            PosixException.Check(Files.Lock(fd), "unable to lock " + path);
            file.Load(window);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>No more entries fit until some are old.</summary>
    internal bool IsFull => entries.Count >= MostEntries;

    /// <summary>How often the key is among the entries.</summary>
    internal int Count(string key)
    {
        key = Normal(key);
        int count = 0;
        foreach ((_, string other) in entries)
            if (other == key) count++;
        return count;
    }

    /// <summary>Adds an entry of this moment; the oldest goes when there are too many.</summary>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    internal void Add(string key)
    {
        if (IsFull)
        {
            entries.RemoveRange(0, entries.Count - MostEntries + 1);
            rewrite = true;
        }
        entries.Add((now, Normal(key)));
        if (rewrite) PosixException.Check(Files.Truncate(fd, 0), "unable to write " + path);
        PosixException.Check((int)Math.Min(0, Files.Seek(fd, 0, fromEnd: true)), "unable to write " + path);
        ByteWriter output = new(fd, path);
        for (int i = rewrite ? 0 : entries.Count - 1; i < entries.Count; i++)
        {
            output.Put(entries[i].Time.ToString(CultureInfo.InvariantCulture));
            output.Put((byte)' ');
            output.Put(entries[i].Key);
            output.Put((byte)'\n');
        }
        output.Flush();
        rewrite = false;
    }

    public void Dispose() => _ = Files.Close(fd); // the lock goes with it

    private void Load(long window)
    {
        ByteReader reader = new(fd, path);
        int old = 0;
        while (reader.ReadUntil((byte)'\n', LongestKey + 30, out bool tooLong) is byte[] line)
        {
            int space = line.AsSpan().IndexOf((byte)' ');
            // A clock that was ahead must not make entries live for ever: what is far in the future is old, too.
            if (!tooLong && space > 0 && long.TryParse(Latin1.String(line.AsSpan(0, space)), NumberStyles.None,
                CultureInfo.InvariantCulture, out long time) && Math.Abs(now - time) < window)
                entries.Add((time, Latin1.String(line.AsSpan(space + 1))));
            else old++;
        }
        // The last line may lack its end: whatever is added must not become a part of it.
        PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + path);
        byte[] last = new byte[1];
        bool whole = status.Size == 0 || Files.ReadAt(fd, last, status.Size - 1) == 1 && last[0] == '\n';
        rewrite = !whole || old > entries.Count + 50;
    }

    private static string Normal(string key)
    {
        key = key.Replace('\n', '_');
        return key.Length > LongestKey ? key[..LongestKey] : key;
    }
}
