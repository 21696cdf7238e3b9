// Constant databases: D. J. Bernstein's cdb format, which finds a key among any number in two reads of a file.
using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Text;

/// <summary>
/// The format (cr.yp.to/cdb/cdb.txt): 256 pairs of position and length, one for each hash table; the records, each
/// length of key, length of data, key, data; then the tables, each slot a hash and a record's position. All numbers
/// are 32 bits, least significant byte first; a key with hash h is in table h % 256, from slot (h / 256) % length on.
/// </summary>
internal static class Cdb
{
    internal const int Tables = 256;
    internal const int PairLength = 8;
    internal const int HeaderLength = Tables * PairLength;

    internal static uint Hash(ReadOnlySpan<byte> key)
    {
        uint hash = 5381;
        foreach (byte b in key) hash = unchecked((hash << 5) + hash) ^ b;
        return hash;
    }

    internal static (uint First, uint Second) Pair(ReadOnlySpan<byte> bytes) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
}

/// <summary>
/// Looks keys up in a constant database. The file is read, not mapped: one that is cut off while it is open gives an
/// error, and never ends the process. Nothing that the file says is believed before it is found to be inside it.
/// Any thread may ask.
/// </summary>
public sealed class CdbReader : IDisposable
{
    /// <summary>Data may be this long, in bytes; a file with longer ones is taken for damaged.</summary>
    public const int LongestData = 16 << 20;

    private const int SlotsAtOnce = 16;

    private readonly string path;
    private readonly long length;
    private int fd;

    private CdbReader(string path, int fd, long length)
    {
        this.path = path;
        this.fd = fd;
        this.length = length;
    }

    /// <summary>Opens a database; null when there is no such file.</summary>
    /// <exception cref="PosixException">It exists and cannot be opened.</exception>
    /// <exception cref="FormatException">It is too short to be a database.</exception>
    public static CdbReader? Open(string path)
    {
        int fd = Files.Open(path, OpenMode.Read | OpenMode.NonBlocking);
        if (fd == -Errno.ENOENT) return null;
        PosixException.Check(fd, "unable to open " + path);
        int r = Files.Status(fd, out FileStatus status);
        if (r >= 0 && status.IsFile && status.Size >= Cdb.HeaderLength) return new CdbReader(path, fd, status.Size);
        _ = Files.Close(fd);
        PosixException.Check(r, "unable to look at " + path);
        throw new FormatException(path + " is not a constant database");
    }

    /// <summary>The data of the first record with this key, or null.</summary>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is damaged.</exception>
    public byte[]? Find(ReadOnlySpan<byte> key)
    {
        uint slot = 0;
        return Next(key, ref slot);
    }

    /// <summary>The data of the first record with this key, or null; both one char a byte.</summary>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is damaged.</exception>
    public string? Find(string key) => Find(Latin1.Bytes(key)) is byte[] data ? Latin1.String(data) : null;

    /// <summary>The data of every record with this key, in the order in which they were added.</summary>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is damaged.</exception>
    public List<byte[]> FindAll(ReadOnlySpan<byte> key)
    {
        List<byte[]> all = [];
        uint slot = 0;
        while (Next(key, ref slot) is byte[] data) all.Add(data);
        return all;
    }

    /// <summary>Every record, in the order in which they were added.</summary>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is damaged.</exception>
    public IEnumerable<(byte[] Key, byte[] Data)> Records()
    {
        byte[] pair = new byte[Cdb.PairLength];
        // The records end where the first table begins; every table has a place, also an empty one.
        long end = length;
        for (int table = 0; table < Cdb.Tables; table++)
        {
            ReadAt(pair, table * Cdb.PairLength);
            end = Math.Min(end, Cdb.Pair(pair).First);
        }
        for (long at = Cdb.HeaderLength; at < end;)
        {
            ReadAt(pair, at);
            (uint keyLength, uint dataLength) = Cdb.Pair(pair);
            at += Cdb.PairLength;
            if (at + keyLength + dataLength > end) throw Damaged();
            byte[] key = Bytes(at, keyLength), data = Bytes(at + keyLength, dataLength);
            at += (long)keyLength + dataLength;
            yield return (key, data);
        }
    }

    public void Dispose()
    {
        _ = Files.Close(fd);
        fd = -1;
    }

    // The next record of the key; slot counts the slots of the table that have been looked at.
    private byte[]? Next(ReadOnlySpan<byte> key, ref uint slot)
    {
        Span<byte> pair = stackalloc byte[Cdb.PairLength];
        uint hash = Cdb.Hash(key);
        ReadAt(pair, (hash % Cdb.Tables) * Cdb.PairLength);
        (uint table, uint slots) = Cdb.Pair(pair);
        if (slots == 0) return null;
        if (table + (long)slots * Cdb.PairLength > length) throw Damaged();
        Span<byte> some = stackalloc byte[SlotsAtOnce * Cdb.PairLength];
        while (slot < slots)
        {
            uint first = (uint)(((hash >> 8) % slots + (ulong)slot) % slots);
            int count = (int)Math.Min(SlotsAtOnce, Math.Min(slots - first, slots - slot));
            Span<byte> here = some[..(count * Cdb.PairLength)];
            ReadAt(here, table + (long)first * Cdb.PairLength);
            for (int i = 0; i < count; i++)
            {
                slot++;
                (uint slotHash, uint record) = Cdb.Pair(here[(i * Cdb.PairLength)..]);
                if (record == 0) return null;
                if (slotHash == hash && Data(record, key) is byte[] data) return data;
            }
        }
        return null;
    }

    // The record's data when its key is this one.
    private byte[]? Data(long at, ReadOnlySpan<byte> key)
    {
        Span<byte> some = stackalloc byte[256];
        ReadAt(some[..Cdb.PairLength], at);
        (uint keyLength, uint dataLength) = Cdb.Pair(some);
        at += Cdb.PairLength;
        if (keyLength != key.Length) return null;
        for (int compared = 0; compared < key.Length;)
        {
            Span<byte> part = some[..Math.Min(some.Length, key.Length - compared)];
            ReadAt(part, at + compared);
            if (!part.SequenceEqual(key.Slice(compared, part.Length))) return null;
            compared += part.Length;
        }
        return Bytes(at + keyLength, dataLength);
    }

    private byte[] Bytes(long at, uint count)
    {
        if (at + count > length || count > LongestData) throw Damaged();
        byte[] bytes = new byte[count];
        ReadAt(bytes, at);
        return bytes;
    }

    private void ReadAt(Span<byte> to, long at)
    {
        if (at + to.Length > length) throw Damaged();
        while (!to.IsEmpty)
        {
            int n = PosixException.Check(Files.ReadAt(fd, to, at), "unable to read " + path);
            if (n == 0) throw Damaged(); // somebody has cut it
            to = to[n..];
            at += n;
        }
    }

    private FormatException Damaged() => new(path + " is damaged: it is not a constant database");
}

/// <summary>
/// Makes a constant database, record by record. The records go straight to the file; eight bytes of memory are needed
/// for each.
/// </summary>
public sealed class CdbWriter
{
    private readonly int fd;
    private readonly string name;
    private readonly ByteWriter output;
    private readonly List<(uint Hash, uint At)> records = [];
    private uint at = Cdb.HeaderLength;

    /// <param name="fd">A file, empty and open for writing; it stays the caller's.</param>
    /// <param name="name">What it is, for error messages.</param>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    public CdbWriter(int fd, string name)
    {
        this.fd = fd;
        this.name = name;
        output = new ByteWriter(fd, name, 16384);
        output.Put(new byte[Cdb.HeaderLength]); // its place; what belongs there is known at the end
    }

    /// <summary>Adds a record. Keys may repeat: <see cref="CdbReader.Find(string)"/> finds the first of them.</summary>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    /// <exception cref="FormatException">The database becomes larger than the format allows, 4 GiB.</exception>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        uint start = at;
        Grow((long)Cdb.PairLength + key.Length + data.Length);
        PutPair((uint)key.Length, (uint)data.Length);
        output.Put(key);
        output.Put(data);
        records.Add((Cdb.Hash(key), start));
    }

    /// <summary>Adds a record of Latin-1 strings.</summary>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    /// <exception cref="FormatException">The database becomes larger than the format allows, 4 GiB.</exception>
    public void Add(string key, string data) => Add(Latin1.Bytes(key), Latin1.Bytes(data));

    /// <summary>Writes the tables; the file is then complete, and not yet on stable storage.</summary>
    /// <exception cref="PosixException">The file cannot be written.</exception>
    /// <exception cref="FormatException">The database becomes larger than the format allows, 4 GiB.</exception>
    public void Finish()
    {
        int[] counts = new int[Cdb.Tables];
        foreach ((uint hash, _) in records) counts[hash % Cdb.Tables]++;
        int[] ends = new int[Cdb.Tables];
        for (int table = 0, sum = 0; table < Cdb.Tables; table++) ends[table] = sum += counts[table];
        (uint Hash, uint At)[] sorted = new (uint, uint)[records.Count];
        for (int i = records.Count - 1; i >= 0; i--) sorted[--ends[records[i].Hash % Cdb.Tables]] = records[i];
        records.Clear();
        byte[] header = new byte[Cdb.HeaderLength];
        for (int table = 0; table < Cdb.Tables; table++)
        {
            int slots = counts[table] * 2; // half empty, so that searches are short
            Span<byte> pair = header.AsSpan(table * Cdb.PairLength);
            BinaryPrimitives.WriteUInt32LittleEndian(pair, at);
            BinaryPrimitives.WriteUInt32LittleEndian(pair[4..], (uint)slots);
            Grow((long)slots * Cdb.PairLength);
            PutTable(sorted.AsSpan(ends[table], counts[table]), slots);
        }
        output.Flush();
        for (int written = 0; written < header.Length;)
            written += PosixException.Check(Files.WriteAt(fd, header.AsSpan(written), written), "unable to write " + name);
    }

    /// <summary>
    /// Makes or replaces a database file: whoever opens it finds the old one or the new one, complete, also after a
    /// power failure. On failure the old one stays.
    /// </summary>
    /// <param name="fill">Adds the records.</param>
    /// <param name="permissions">The mode of the new file.</param>
    /// <param name="ownedLike">
    /// The file whose owner and group it gets where this process may give it away; the file replaced when null.
    /// </param>
    /// <exception cref="PosixException">A file cannot be written.</exception>
    /// <exception cref="FormatException">The database becomes larger than the format allows, 4 GiB.</exception>
    public static void Replace(string path, int permissions, Action<CdbWriter> fill, string? ownedLike = null)
    {
        string temporary = path + ".tmp";
        _ = Files.Unlink(temporary);
        int fd = PosixException.Check(Files.Open(temporary, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive,
            0x180 /* 0600: it may hold passwords */), "unable to create " + temporary);
        bool done = false;
        try
        {
            CdbWriter writer = new(fd, temporary);
            fill(writer);
            writer.Finish();
            if (Files.Status(ownedLike ?? path, out FileStatus old) == 0)
                _ = Files.ChangeOwner(fd, old.Uid, old.Gid); // only root can, and only root needs to
            PosixException.Check(Files.ChangeMode(fd, permissions), "unable to set the mode of " + temporary);
            PosixException.Check(Files.Sync(fd), "unable to write " + temporary);
            PosixException.Check(Files.Rename(temporary, path), "unable to rename " + temporary + " to " + path);
            done = true;
        }
        finally
        {
            _ = Files.Close(fd);
            if (!done) _ = Files.Unlink(temporary);
        }
        int slash = path.LastIndexOf('/');
        string directory = slash < 0 ? "." : slash == 0 ? "/" : path[..slash];
        PosixException.Check(Files.SyncDirectory(directory), "unable to write directory " + directory);
    }

    private void PutTable(ReadOnlySpan<(uint Hash, uint At)> entries, int slots)
    {
        (uint Hash, uint At)[] table = new (uint, uint)[slots];
        foreach ((uint Hash, uint At) entry in entries)
        {
            uint slot = (entry.Hash >> 8) % (uint)slots;
            while (table[slot].At != 0) slot = (slot + 1) % (uint)slots;
            table[slot] = entry;
        }
        foreach ((uint hash, uint position) in table) PutPair(hash, position);
    }

    private void PutPair(uint first, uint second)
    {
        Span<byte> pair = stackalloc byte[Cdb.PairLength];
        BinaryPrimitives.WriteUInt32LittleEndian(pair, first);
        BinaryPrimitives.WriteUInt32LittleEndian(pair[4..], second);
        output.Put(pair);
    }

    private void Grow(long bytes)
    {
        if (at + bytes > uint.MaxValue) throw new FormatException(name + " would be longer than 4 GiB, too long for a cdb");
        at += (uint)bytes;
    }
}
