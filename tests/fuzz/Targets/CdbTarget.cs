// Constant databases: damaged ones, and ones made here.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Local;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// A damaged file gives an error or some answer, bounded in time and memory, and never data it does not hold; what is put into a
/// new one comes out again.
/// </summary>
internal sealed class CdbTarget : Target
{
    internal override string Name => "cdb";
    internal override string[] Words => ["key", "\0\0\0\0", "\u00ff\u00ff\u00ff\u00ff", "!joe\0", "\u0000\u0008\0\0"];
    internal override int Longest => 8192;
    internal override long Allowance(int length) => (8 << 20) + 4000L * length;

    internal override void Run(byte[] input)
    {
        string path = Scratch.Write("cdb", input);
        Damaged(path, input);
        Made(input);
    }

    private static void Damaged(string path, byte[] input)
    {
        try
        {
            using CdbReader reader = CdbReader.Open(path)!;
            long bytes = 0;
            int count = 0;
            try
            {
                foreach ((byte[] key, byte[] data) in reader.Records())
                {
                    bytes += 8 + key.Length + data.Length;
                    Must(bytes <= input.Length, "no record is invented");
                    if (++count > 50) continue;
                    Look(reader, key);
                }
            }
            catch (FormatException) { }
            Look(reader, "key"u8.ToArray());
            Look(reader, []);
        }
        catch (FormatException) { }
        try
        {
            _ = Assignments.Find(path, "joe-x");
        }
        catch (FormatException) { }
    }

    private static void Look(CdbReader reader, byte[] key)
    {
        try
        {
            _ = reader.Find(key);
            Must(reader.FindAll(key).Count <= 8192 / 8, "as many records as slots at most");
        }
        catch (FormatException) { }
    }

    private static void Made(byte[] input)
    {
        List<(byte[] Key, byte[] Data)> records = [];
        string[] words = Text(input).Split('\n');
        for (int i = 0; i + 1 < words.Length && i < 200; i += 2) records.Add((Latin1.Bytes(words[i]), Latin1.Bytes(words[i + 1])));
        string path = Scratch.Path + "/made.cdb";
        CdbWriter.Replace(path, 0x180, writer =>
        {
            foreach ((byte[] key, byte[] data) in records) writer.Add(key, data);
        });
        using CdbReader reader = CdbReader.Open(path)!;
        Must(Joined(reader.Records()) == Joined(records), "what was put in comes out, in its order");
        foreach ((byte[] key, _) in records)
            Must(Joined(reader.FindAll(key).Select(data => (key, data))) == Joined(records.Where(each => each.Key.AsSpan().SequenceEqual(key))), "all data of a key is found");
    }

    private static string Joined(IEnumerable<(byte[] Key, byte[] Data)> records) =>
        string.Join("|", records.Select(each => Convert.ToHexString(each.Key) + ":" + Convert.ToHexString(each.Data)));
}
