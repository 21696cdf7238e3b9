using System;
using System.IO;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Posix;

public sealed class ByteBuffersTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Fact]
    public void WhateverIsPutInWhateverPiecesIsInTheFile() =>
        Prop.ForAll(Arb.From(Gen.Zip(Gen.Zip(Gen.Choose(0, 2), Gen.Choose(0, 60)).ArrayOf(), Gen.Choose(1, 20))), given =>
        {
            using MemoryStream expected = new();
            int fd = Files.Open(path, OpenMode.Write | OpenMode.Truncate);
            ByteWriter writer = new(fd, "test", given.Item2);
            byte next = 0;
            foreach ((int how, int length) in given.Item1)
            {
                byte[] piece = [.. Enumerable.Range(0, how == 0 ? 1 : length).Select(_ => next++)];
                expected.Write(piece);
                if (how == 0) writer.Put(piece[0]);
                else if (how == 1) writer.Put(piece);
                else writer.Put(Latin1.String(piece));
            }
            writer.Flush();
            Files.Close(fd);
            return File.ReadAllBytes(path).SequenceEqual(expected.ToArray()) && writer.Length == expected.Length;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void PiecesAreFoundWhereverTheBufferEnds() =>
        Prop.ForAll(Arb.From(Gen.Zip(Gen.Choose(0, 30).ArrayOf(), Gen.Choose(1, 20))), given =>
        {
            string[] pieces = [.. given.Item1.Select(length => new string('x', length))];
            File.WriteAllText(path, string.Concat(pieces.Select(piece => piece + "\n")) + "rest");
            return WithReader(given.Item2, reader =>
            {
                foreach (string piece in pieces)
                {
                    byte[]? read = reader.ReadUntil((byte)'\n', 25, out bool tooLong);
                    if (read == null || tooLong != piece.Length > 25) return false;
                    if (!tooLong && Latin1.String(read) != piece) return false;
                }
                return reader.ReadUntil((byte)'\n', 25, out _) == null && reader.ReadByte() == -1;
            });
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void BytesOneByOne()
    {
        File.WriteAllBytes(path, [0, 255, 10]);
        Assert.True(WithReader(2, reader =>
            reader.ReadByte() == 0 && reader.ReadByte() == 255 && reader.ReadByte() == 10 && reader.ReadByte() == -1 && reader.ReadByte() == -1));
    }

    [Fact]
    public void FailuresNameTheFile()
    {
        Assert.Equal("unable to read the thing: Bad file descriptor",
            Assert.Throws<PosixException>(() => new ByteReader(-1, "the thing").ReadByte()).Message);
        int full = Files.Open("/dev/full", OpenMode.Write);
        ByteWriter writer = new(full, "the thing", 4);
        writer.Put("abc"u8);
        PosixException failure = Assert.Throws<PosixException>(() => writer.Put("de"u8));
        Assert.Equal((Errno.ENOSPC, "unable to write the thing: No space left on device"), (failure.Errno, failure.Message));
        Files.Close(full);
    }

    private bool WithReader(int size, Func<ByteReader, bool> use)
    {
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            return use(new ByteReader(fd, path, size));
        }
        finally
        {
            Files.Close(fd);
        }
    }
}
