using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Text;

public sealed class CdbTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-cdb-").FullName;

    private string Database => directory + "/some.cdb";

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private void Make(params (string Key, string Data)[] records) => CdbWriter.Replace(Database, 0x1A4, writer =>
    {
        foreach ((string key, string data) in records) writer.Add(key, data);
    });

    [Fact]
    public void EveryRecordIsFoundAgainAndNothingElse() => Prop.ForAll<KeyValuePair<byte[], byte[]>[], byte[]>((records, other) =>
    {
        List<(byte[] Key, byte[] Data)> all = [.. records.Select(r => (r.Key ?? [], r.Value ?? []))];
        CdbWriter.Replace(Database, 0x1A4, writer =>
        {
            foreach ((byte[] key, byte[] data) in all) writer.Add(key, data);
        });
        using CdbReader reader = CdbReader.Open(Database)!;
        foreach (byte[] key in all.Select(r => r.Key).Append(other ?? []))
        {
            List<byte[]> expected = [.. all.Where(r => r.Key.SequenceEqual(key)).Select(r => r.Data)];
            Assert.Equal(expected, reader.FindAll(key));
            Assert.Equal(expected.FirstOrDefault(), reader.Find(key));
        }
        List<(byte[] Key, byte[] Data)> read = [.. reader.Records()];
        Assert.Equal(all.Select(r => r.Key), read.Select(r => r.Key));
        Assert.Equal(all.Select(r => r.Data), read.Select(r => r.Data));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void ThousandsOfKeysAreFound()
    {
        Make([.. Enumerable.Range(0, 5000).Select(n => ("key" + n, "data" + n))]);
        using CdbReader reader = CdbReader.Open(Database)!;
        for (int n = 0; n < 5000; n++) Assert.Equal("data" + n, reader.Find("key" + n));
        Assert.Null(reader.Find("key5000"));
        Assert.Null(reader.Find(""));
    }

    [Fact]
    public void TheFileIsTheOneThatOtherProgramsMake()
    {
        // "+3,5:one->Hello\n\n" through cdbmake: the pointer table is 2048 bytes, one record, one table of two slots.
        Make(("one", "Hello"));
        byte[] file = File.ReadAllBytes(Database);
        Assert.Equal(2048 + 8 + 8 + 16, file.Length);
        Assert.Equal("03000000050000006F6E6548656C6C6F", Convert.ToHexString(file.AsSpan(2048, 16)));
        uint hash = 5381;
        foreach (char c in "one") hash = (hash * 33) ^ c;
        int table = (int)(hash % 256) * 8;
        for (int i = 0; i < 2048; i += 8)
        {
            int before = i > table ? 16 : 0;
            Assert.Equal(2064 + before, BitConverter.ToInt32(file, i));
            Assert.Equal(i == table ? 2 : 0, BitConverter.ToInt32(file, i + 4));
        }
        int slot = 2064 + (int)((hash >> 8) % 2) * 8;
        Assert.Equal(hash, BitConverter.ToUInt32(file, slot));
        Assert.Equal(2048, BitConverter.ToInt32(file, slot + 4));
    }

    [Fact]
    public void ADatabaseThatIsMissingIsNone() => Assert.Null(CdbReader.Open(Database));

    [Fact]
    public void AFileThatIsTooShortIsNoDatabase()
    {
        File.WriteAllBytes(Database, new byte[2047]);
        Assert.Contains("is not a constant database", Assert.Throws<FormatException>(() => CdbReader.Open(Database)).Message);
    }

    [Fact]
    public void DamagedFilesGiveAnErrorOrAnAnswerAndNothingWorse()
    {
        Make(("one", "1"), ("two", "2"), ("three", "3"));
        byte[] good = File.ReadAllBytes(Database);
        Random random = new(7);
        for (int round = 0; round < 1500; round++)
        {
            byte[] bad = [.. good.AsSpan(0, round % 3 == 0 ? random.Next(2048, good.Length) : good.Length)];
            for (int i = 0; i < 40; i++) bad[random.Next(round % 2 == 0 ? 0 : Math.Min(2048, bad.Length - 1), bad.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(Database, bad);
            using CdbReader reader = CdbReader.Open(Database)!;
            foreach (string key in new[] { "one", "two", "three", "four" })
                try { _ = reader.Find(key); }
                catch (FormatException) { }
            try { _ = reader.Records().Count(); }
            catch (FormatException) { }
        }
    }

    [Fact]
    public void ATableThatIsFullOfOtherKeysEndsTheSearch()
    {
        byte[] file = new byte[2048 + 8 + 3 + 16];
        // every table: two slots, both with the hash that is looked for and a record with another key
        uint hash = 5381;
        foreach (char c in "one") hash = (hash * 33) ^ c;
        for (int i = 0; i < 2048; i += 8)
        {
            BitConverter.TryWriteBytes(file.AsSpan(i), 2059);
            BitConverter.TryWriteBytes(file.AsSpan(i + 4), 2);
        }
        file[2048] = 3;
        file.AsSpan(2056, 3).Fill((byte)'x');
        for (int i = 2059; i < file.Length; i += 8)
        {
            BitConverter.TryWriteBytes(file.AsSpan(i), hash);
            BitConverter.TryWriteBytes(file.AsSpan(i + 4), 2048);
        }
        File.WriteAllBytes(Database, file);
        using CdbReader reader = CdbReader.Open(Database)!;
        Assert.Null(reader.Find("one"));
    }

    [Fact]
    public void AFailureLeavesTheOldDatabase()
    {
        Make(("a", "old"));
        Assert.Throws<FormatException>(() => CdbWriter.Replace(Database, 0x1A4, writer =>
        {
            writer.Add("a", "new");
            throw new FormatException("bad line");
        }));
        using CdbReader reader = CdbReader.Open(Database)!;
        Assert.Equal("old", reader.Find("a"));
        Assert.Equal([Database], Directory.GetFiles(directory));
    }

    [Fact]
    public void ItHasTheModeThatIsAskedFor()
    {
        CdbWriter.Replace(Database, 0x180, writer => writer.Add("user", "password"));
        Files.Status(Database, out FileStatus status);
        Assert.Equal(0x180, status.Mode);
    }
}
