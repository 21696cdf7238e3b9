// maildir2mbox: moves the messages of a Maildir to an mbox, for programs that know no other (maildir2mbox(1)).
using System;
using System.Collections.Generic;
using Qmta.Mailbox;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Filter;

internal static class MaildirToMbox
{
    internal const string Usage = "maildir2mbox (MAILDIR, MAIL and MAILTMP in the environment name the Maildir, the mbox and a temporary file beside it)";

    private const long LockLimit = 30_000;
    private const int OwnerOnly = 0x180; // 0600

    internal static int Run(string[] arguments)
    {
        if (arguments.Length > 0) throw Program.UsageError(Usage);
        string maildir = Name("MAILDIR").TrimEnd('/'), mbox = Name("MAIL"), temporary = Name("MAILTMP");
        List<(long Time, string Path)> messages = [];
        foreach (string part in (ReadOnlySpan<string>)["new", "cur"]) Collect(maildir + "/" + part, messages);
        if (messages.Count == 0) return 0;
        messages.Sort(static (a, b) => a.Time != b.Time ? a.Time.CompareTo(b.Time) : string.CompareOrdinal(a.Path, b.Path));
        // Deliveries wait for this lock and see afterwards that the file under the name is another one.
        int fd = OpenLocked(mbox);
        _ = Files.Unlink(temporary);
        int to = PosixException.Check(Files.Open(temporary, OpenMode.Write | OpenMode.Create | OpenMode.Exclusive | OpenMode.NoFollow,
            OwnerOnly), "unable to create " + temporary);
        bool done = false;
        try
        {
            Write(fd, mbox, to, temporary, messages);
            PosixException.Check(Files.Rename(temporary, mbox), "unable to rename " + temporary + " to " + mbox);
            done = true;
        }
        finally
        {
            if (!done) _ = Files.Unlink(temporary);
        }
        int slash = mbox.LastIndexOf('/');
        string directory = slash < 0 ? "." : mbox[..Math.Max(1, slash)];
        PosixException.Check(Files.SyncDirectory(directory), "unable to sync " + directory);
        foreach ((_, string path) in messages)
            if (Files.Unlink(path) is < 0 and not -Errno.ENOENT and int r)
                Standard.Error("maildir2mbox: warning: " + path + " is in " + mbox + " now and cannot be removed: " + Errno.Text(r));
        return 0;
    }

    private static string Name(string variable) => Variables.Get(variable) is { Length: > 0 } value
        ? value : throw Failure.TryLater(variable + " is not set");

    private static void Collect(string directory, List<(long, string)> messages)
    {
        foreach (string name in Files.List(directory))
        {
            if (name[0] == '.') continue;
            string path = directory + "/" + name;
            int r = Files.Status(path, out FileStatus status);
            if (r == -Errno.ENOENT) continue; // a mail reader was faster
            PosixException.Check(r, "unable to look at " + path);
            if (status.IsFile) messages.Add((status.Modified, path));
        }
    }

    private static int OpenLocked(string mbox)
    {
        long end = Clocks.BoottimeMilliseconds + LockLimit;
        while (true)
        {
            int fd = PosixException.Check(Files.Open(mbox, OpenMode.ReadWrite | OpenMode.Create | OpenMode.NonBlocking, OwnerOnly),
                "unable to open " + mbox);
            PosixException.Check(Files.Status(fd, out FileStatus status), "unable to look at " + mbox);
            if (!status.IsFile) throw Failure.TryLater(mbox + " is not a file");
            int r = Files.TryLock(fd);
            if (r >= 0 && Files.Status(mbox, out FileStatus named) == 0 && named.Inode == status.Inode && named.Device == status.Device)
                return fd;
            _ = Files.Close(fd);
            if (r < 0 && r != -Errno.EAGAIN) PosixException.Check(r, "unable to lock " + mbox);
            if (Clocks.BoottimeMilliseconds >= end) throw Failure.TryLater(mbox + " has been locked for 30 seconds");
            _ = Poll.Wait([], 100);
        }
    }

    private static void Write(int from, string mbox, int to, string temporary, List<(long Time, string Path)> messages)
    {
        ByteWriter output = new(to, temporary, 16384);
        byte[] buffer = new byte[16384];
        Copy(new ByteReader(from, mbox, buffer), output.Put);
        for (int i = 0; i < messages.Count; i++)
        {
            (long time, string path) = messages[i];
            int fd = Files.Open(path, OpenMode.Read);
            if (fd == -Errno.ENOENT)
            {
                messages.RemoveAt(i--); // moved meanwhile; it is found next time
                continue;
            }
            PosixException.Check(fd, "unable to open " + path);
            ByteReader reader = new(fd, path, buffer);
            output.Put("From " + Sender(reader.Fill()) + " " + Dates.Asctime(time) + "\n");
            MboxQuoting quoting = new(output);
            Copy(reader, quoting.Put);
            quoting.End();
            _ = Files.Close(fd);
        }
        output.Flush();
        PosixException.Check(Files.Status(from, out FileStatus old), "unable to look at " + mbox);
        PosixException.Check(Files.ChangeMode(to, old.Mode & 0x1FF), "unable to set the mode of " + temporary);
        PosixException.Check(Files.Sync(to), "unable to sync " + temporary);
        PosixException.Check(Files.Close(to), "unable to close " + temporary);
    }

    private delegate void Sink(ReadOnlySpan<byte> piece);

    private static void Copy(ByteReader reader, Sink sink)
    {
        ReadOnlySpan<byte> piece;
        while (!(piece = reader.Fill()).IsEmpty)
        {
            sink(piece);
            reader.Consume(piece.Length);
        }
    }

    // Deliveries begin a file with the line "Return-Path: <sender>".
    private static string Sender(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> mark = "Return-Path: <"u8;
        if (!start.StartsWith(mark)) return "MAILER-DAEMON";
        start = start[mark.Length..];
        int line = start.IndexOf((byte)'\n');
        int end = line < 0 ? -1 : start[..line].LastIndexOf((byte)'>');
        return end <= 0 ? "MAILER-DAEMON" : Latin1.String(start[..end]).Replace(' ', '-').Replace('\t', '-').Replace('\0', '-');
    }
}
