// /etc/hosts: addresses of names that this host knows without asking anybody (hosts(5)).
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>
/// Looks names up in a hosts file. It is read through one buffer, as lists that block advertising make it megabytes
/// long, and what was found is remembered until the file changes. Any thread may ask.
/// </summary>
public sealed class HostsFile
{
    private const int LongestLine = 4096;
    private const int MostRemembered = 100;

    private readonly string path;
    private readonly Lock guard = new();
    private readonly Dictionary<string, List<IpAddress>> remembered = [];
    private FileVersion version;

    public HostsFile(string path) => this.path = path;

    /// <summary>
    /// The addresses of a name, IPv4 first. "localhost" has the loopback addresses when the file does not know it
    /// (RFC 6761 6.3).
    /// </summary>
    public IReadOnlyList<IpAddress> Find(string name)
    {
        string key = Latin1.Lower(name);
        lock (guard)
        {
            FileVersion now = FileVersion.Of(path);
            if (now != version || remembered.Count >= MostRemembered) remembered.Clear();
            version = now;
            if (remembered.TryGetValue(key, out List<IpAddress>? known)) return known;
            List<IpAddress> found = Search(key);
            if (found.Count == 0 && key == "localhost") found = [IpAddress.LoopbackV4, IpAddress.LoopbackV6];
            return remembered[key] = found;
        }
    }

    private List<IpAddress> Search(string name)
    {
        List<IpAddress> four = [], six = [];
        int fd = Files.Open(path, OpenMode.Read);
        if (fd < 0) return four; // nothing is known without it
        byte[] buffer = new byte[2 * LongestLine];
        int length = 0, n;
        bool tooLong = false;
        while ((n = Files.Read(fd, buffer.AsSpan(length))) > 0)
        {
            length += n;
            int start = 0, end;
            while ((end = buffer.AsSpan(start, length - start).IndexOf((byte)'\n')) >= 0)
            {
                if (!tooLong) Take(buffer.AsSpan(start, end), name, four, six);
                tooLong = false;
                start += end + 1;
            }
            buffer.AsSpan(start, length - start).CopyTo(buffer);
            length -= start;
            if (length < buffer.Length) continue;
            tooLong = true; // no line of a hosts file; its rest is skipped
            length = 0;
        }
        if (!tooLong) Take(buffer.AsSpan(0, length), name, four, six);
        _ = Files.Close(fd);
        return [.. four, .. six];
    }

    private static void Take(ReadOnlySpan<byte> line, string name, List<IpAddress> four, List<IpAddress> six)
    {
        int comment = line.IndexOf((byte)'#');
        if (comment >= 0) line = line[..comment];
        if (name.Length == 0) return;
        // Most lines are about other names, and need no strings to be told apart: does the name's last byte end a word?
        byte last = (byte)name[^1];
        bool possible = false;
        for (int i = name.Length; i < line.Length && !possible; i++)
            possible = (line[i] | 0x20) == (last | 0x20)
                && (i + 1 == line.Length || line[i + 1] is (byte)' ' or (byte)'\t' or (byte)'\r');
        if (!possible) return;
        string text = Latin1.Lower(Latin1.String(line));
        string[] words = text.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
        ReadOnlySpan<string> names = words.AsSpan(Math.Min(1, words.Length));
        if (!names.Contains(name)) return;
        if (!IpAddress.TryParse(words[0], out IpAddress address)) return;
        List<IpAddress> list = address.IsV6 ? six : four;
        if (!list.Contains(address)) list.Add(address);
    }
}
