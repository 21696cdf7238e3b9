// Reading envelopes and recipient lists: records of one letter, a value and a NUL.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Queue;

/// <summary>
/// Reads the records of a todo file (u uid, p pid, F sender, T recipient, e extra header), of an info file (F, e) or of a
/// local or remote file (T to do, D done), one at a time, so that a list of any length costs one buffer.
/// </summary>
public sealed class EnvelopeReader
{
    private readonly ByteReader reader;
    private readonly string path;

    public EnvelopeReader(int fd, string path, int bufferSize = 4096)
    {
        reader = new ByteReader(fd, path, bufferSize);
        this.path = path;
    }

    /// <summary>Where the record just read begins, in bytes from where reading began.</summary>
    public long Position { get; private set; }

    /// <summary>Where the next record begins.</summary>
    public long NextPosition { get; private set; }

    /// <summary>The record's letter.</summary>
    public char Kind { get; private set; }

    /// <summary>The record's value.</summary>
    public string Value { get; private set; } = "";

    /// <summary>Reads the next record; false at the end of the file.</summary>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file ends inside a record, or a record is empty or absurdly long.</exception>
    public bool Next()
    {
        Position = NextPosition;
        if (reader.Fill().IsEmpty) return false;
        byte[] record = reader.ReadUntil(0, 1 + ExtraHeader.Longest, out bool tooLong)
            ?? throw new FormatException(path + " ends inside a record");
        tooLong |= record.Length > 2 * QueueLayout.LongestAddress && record[0] is not ((byte)'e' or (byte)'h');
        if (tooLong || record.Length == 0) throw new FormatException(path + " has a record that is " + (tooLong ? "too long" : "empty"));
        NextPosition = Position + record.Length + 1;
        Kind = (char)record[0];
        Value = Latin1.String(record.AsSpan(1));
        return true;
    }
}
