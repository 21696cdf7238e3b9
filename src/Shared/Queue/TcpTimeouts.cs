// lock/tcpto: which hosts could not be reached lately, so that mail does not wait for them again and again.
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Queue;

/// <summary>An address that failed.</summary>
/// <param name="When">Of the last failure that counted, in seconds since 1970.</param>
/// <param name="Count">How many counted since the last success, at most 10.</param>
public readonly record struct TcpTimeout(IpAddress Address, long When, int Count);

/// <summary>
/// The table of qmail's tcpto.c: 64 records of 16 bytes, the address in bytes 0 to 3, the count in byte 4, the time in
/// bytes 8 to 11, least significant first; all else zero. There is no room for IPv6 there, so IPv6 addresses follow
/// after these 1024 bytes, where qmail does not look: 32 records of 32 bytes, laid out as indimail does it, the
/// address family 10 in byte 0, the count in byte 4, the time from byte 8, the address in bytes 16 to 31. Writers hold
/// a lock on the file. It is a help and no more: where it cannot be read or written, nothing is remembered.
/// </summary>
public sealed class TcpTimeouts
{
    /// <summary>How long an address is avoided when nobody says otherwise, in seconds, plus some chance.</summary>
    public const int DefaultPenalty = 3600;

    /// <summary>Failures count when they are so many seconds apart, when nobody says otherwise.</summary>
    public const int DefaultTolerance = 120;

    private const int V4Length = 1024, V6Length = 1024, FamilyV6 = 10, MostCount = 10, CountAt = 4, TimeAt = 8;

    private readonly string path;

    public TcpTimeouts(string path) => this.path = path;

    /// <summary>Whether connecting would be in vain: the address failed at least twice, and not long ago.</summary>
    /// <param name="penalty">
    /// How long it is avoided, in seconds; up to 37 minutes more by chance, so that not everybody tries it at once.
    /// A negative number is meant exactly; 0 avoids nothing.
    /// </param>
    /// <param name="known">Whether it is in the table, so that a success is worth telling.</param>
    public bool Avoids(IpAddress address, long penalty, out bool known)
    {
        known = false;
        int fd = Files.Open(path, OpenMode.Read);
        if (fd < 0) return false;
        Span<byte> table = stackalloc byte[V4Length + V6Length];
        int read = ReadTable(fd, table);
        _ = Files.Close(fd);
        int at = read < 0 ? -1 : Find(table, address);
        known = at >= 0 && table[at + CountAt] > 0;
        if (!known || penalty == 0 || table[at + CountAt] < 2) return false;
        // tcpto.c: 64 to 97 minutes for a penalty of an hour
        long avoided = penalty < 0 ? -penalty : penalty + 240 + (Random.Shared.Next(32) << 6);
        long age = Clocks.Realtime - Time(table[at..]);
        return age >= 0 && age < avoided; // a failure in the future says only that a clock was wrong
    }

    /// <summary>Remembers a failure, unless the last one is not yet <paramref name="tolerance"/> seconds old.</summary>
    public void Failed(IpAddress address, long tolerance) => Change(table =>
    {
        uint now = (uint)Clocks.Realtime;
        int at = Find(table, address);
        if (at >= 0)
        {
            Span<byte> known = table[at..];
            long age = (long)now - Time(known);
            if (known[CountAt] > 0 && age >= 0 && age < tolerance) return -1;
            known[CountAt] = (byte)Math.Min(known[CountAt] + 1, MostCount);
            BinaryPrimitives.WriteUInt32LittleEndian(known[TimeAt..], now);
            return at;
        }
        at = Replaceable(table, address.IsV6);
        Span<byte> record = table.Slice(at, address.IsV6 ? 32 : 16);
        record.Clear();
        if (address.IsV6) record[0] = FamilyV6;
        address.Write(record[(address.IsV6 ? 16 : 0)..]);
        record[CountAt] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(record[TimeAt..], now);
        return at;
    });

    /// <summary>Forgets the failures of an address that answers.</summary>
    public void Succeeded(IpAddress address) => Change(table =>
    {
        int at = Find(table, address);
        if (at >= 0) table[at + CountAt] = 0;
        return at;
    });

    /// <summary>Every address that has failed since it last answered.</summary>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    public List<TcpTimeout> All()
    {
        int fd = PosixException.Check(Files.Open(path, OpenMode.Read), "unable to open " + path);
        Span<byte> table = stackalloc byte[V4Length + V6Length];
        int length = ReadTable(fd, table);
        _ = Files.Close(fd);
        PosixException.Check(length, "unable to read " + path);
        List<TcpTimeout> all = [];
        for (int at = 0; at < table.Length; at += at < V4Length ? 16 : 32)
        {
            ReadOnlySpan<byte> record = table[at..];
            if (record[CountAt] == 0 || (at >= V4Length && record[0] != FamilyV6)) continue;
            IpAddress address = IpAddress.From(at < V4Length ? record[..4] : record.Slice(16, 16));
            all.Add(new TcpTimeout(address, Time(record), record[CountAt]));
        }
        return all;
    }

    /// <summary>Forgets everything.</summary>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    public void Clear()
    {
        int fd = PosixException.Check(Files.Open(path, OpenMode.Write), "unable to open " + path);
        try
        {
            PosixException.Check(Files.Lock(fd), "unable to lock " + path);
            PosixException.Check(Files.WriteAll(fd, new byte[V4Length]), "unable to clear " + path);
            PosixException.Check(Files.Truncate(fd, V4Length), "unable to clear " + path);
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    // Where the changed record begins, or a negative number when nothing changed.
    private delegate int Changing(Span<byte> table);

    private void Change(Changing change)
    {
        int fd = Files.Open(path, OpenMode.ReadWrite);
        if (fd < 0) return;
        if (Files.Lock(fd) == 0)
        {
            Span<byte> table = stackalloc byte[V4Length + V6Length];
            if (ReadTable(fd, table) >= 0 && change(table) is int at and >= 0)
                _ = Files.WriteAt(fd, table.Slice(at, at < V4Length ? 16 : 32), at);
        }
        _ = Files.Close(fd);
    }

    // What a shorter file lacks is zero. Returns the table's whole length, or -errno.
    private static int ReadTable(int fd, Span<byte> table)
    {
        table.Clear();
        int filled = 0, n;
        while ((n = Files.ReadAt(fd, table[filled..], filled)) > 0) filled += n;
        return n < 0 ? n : table.Length;
    }

    private static int Find(ReadOnlySpan<byte> table, IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..address.Write(bytes)];
        if (!address.IsV6)
        {
            for (int at = 0; at < V4Length; at += 16)
                if (table.Slice(at, 4).SequenceEqual(bytes)) return at;
            return -1;
        }
        for (int at = V4Length; at < table.Length; at += 32)
            if (table[at] == FamilyV6 && table.Slice(at + 16, 16).SequenceEqual(bytes)) return at;
        return -1;
    }

    // A free record, or the one whose failure is the longest ago; each further failure makes it 17 minutes younger.
    private static int Replaceable(ReadOnlySpan<byte> table, bool v6)
    {
        int oldest = -1;
        long least = 0;
        for (int at = v6 ? V4Length : 0; at < (v6 ? table.Length : V4Length); at += v6 ? 32 : 16)
        {
            int count = table[at + CountAt];
            if (count == 0) return at;
            long when = Time(table[at..]) + ((long)count << 10);
            if (oldest < 0 || when < least) (oldest, least) = (at, when);
        }
        return oldest;
    }

    private static long Time(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadUInt32LittleEndian(record[TimeAt..]);
}
