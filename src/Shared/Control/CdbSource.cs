// Makes FILE.cdb from a control file of lines "key:value", so that one with very many lines is searched, not read.
using System;
using System.Text;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>
/// Two kinds of source are understood. Lines "key:value", such as smtproutes has, give records of just that, keys in
/// lower case; empty lines and those that begin with # do not count. Assignments as of cdb-database and qmail-newu,
/// "=address:value:" and "+prefix:value:" up to a line ".", give the records that those programs make: key "!address"
/// with a NUL at its end or "!prefix", and under the empty key the last characters of all prefixes.
/// </summary>
public static class CdbSource
{
    private const int LongestLine = 1 << 20;

    /// <summary>Makes or replaces source + ".cdb", with the source's owner and mode; returns the number of keys.</summary>
    /// <exception cref="PosixException">The source cannot be read or the database not written.</exception>
    /// <exception cref="FormatException">A line makes no sense; the old database stays.</exception>
    public static int Compile(string source)
    {
        int fd = PosixException.Check(Files.Open(source, OpenMode.Read), "unable to open " + source);
        try
        {
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + source);
            int count = 0;
            CdbWriter.Replace(source + ".cdb", status.Mode & 0x1FF,
                writer => count = Copy(new ByteReader(fd, source), source, writer), source);
            return count;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private static int Copy(ByteReader reader, string source, CdbWriter writer)
    {
        int count = 0, number = 0;
        bool? assignments = null;
        string wild = "";
        while (NextLine(reader, source, number + 1) is string line)
        {
            number++;
            if (assignments != true && (line.Length == 0 || line[0] == '#')) continue;
            assignments ??= line[0] is '=' or '+' or '.';
            if (assignments == true && line.StartsWith('.'))
            {
                writer.Add("", wild);
                return count;
            }
            int colon = line.IndexOf(':');
            if (colon < 0 || line.Contains('\0')) throw Bad(source, number, "is not of the form key:value");
            string key = Latin1.Lower(line[..colon]), value = line[(colon + 1)..];
            if (assignments == true)
            {
                if (line[0] is not ('=' or '+')) throw Bad(source, number, "begins neither with = nor with +");
                if (!value.EndsWith(':')) throw Bad(source, number, "does not end with a colon");
                value = value[..^1];
                bool exact = line[0] == '=';
                if (!exact && key.Length > 1 && !wild.Contains(key[^1])) wild += key[^1];
                key = "!" + key[1..] + (exact ? "\0" : "");
            }
            writer.Add(key, value);
            count++;
        }
        if (assignments == true) throw Bad(source, number + 1, "is missing: assignments end with a line that is a dot");
        return count;
    }

    // The next line without its newline, which the last one may lack, and trailing blanks; null at the end.
    private static string? NextLine(ByteReader reader, string source, int number)
    {
        StringBuilder line = new();
        while (true)
        {
            ReadOnlySpan<byte> bytes = reader.Fill();
            if (bytes.IsEmpty && line.Length == 0) return null;
            int end = bytes.IndexOf((byte)'\n');
            ReadOnlySpan<byte> piece = end < 0 ? bytes : bytes[..end];
            if (line.Length + piece.Length > LongestLine) throw Bad(source, number, "is too long");
            line.Append(Latin1.String(piece));
            bool last = end >= 0 || bytes.IsEmpty;
            reader.Consume(piece.Length + (end < 0 ? 0 : 1));
            if (last) return line.ToString().TrimEnd(' ', '\t', '\r');
        }
    }

    private static FormatException Bad(string source, int number, string why) =>
        new("line " + number + " of " + source + " " + why);
}
