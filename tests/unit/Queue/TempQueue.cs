// A queue of its own for a test, in a temporary directory, and what the test puts into it.
using System;
using System.Collections.Generic;
using System.IO;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Tests.Queue;

internal sealed class TempQueue : IDisposable
{
    internal TempQueue(int split = 5, bool bigTodo = false)
    {
        Layout = new QueueLayout(Path.Combine(Path.GetTempPath(), "qmta-queue-" + Guid.NewGuid().ToString("N")), split, bigTodo);
        foreach (string kind in new[] { "pid", "intd", "todo", "bounce", "lock", "control" }) Directory.CreateDirectory(At(kind));
        foreach (string kind in new[] { "mess", "info", "local", "remote" })
            for (int n = 0; n < split; n++) Directory.CreateDirectory(At($"{kind}/{n}"));
        for (int n = 0; bigTodo && n < split; n++)
        {
            Directory.CreateDirectory(At($"todo/{n}"));
            Directory.CreateDirectory(At($"intd/{n}"));
        }
    }

    internal QueueLayout Layout { get; }

    internal string At(string name) => Layout.Directory + "/" + name;

    internal string Write(string name, string text)
    {
        string path = name[0] == '/' ? name : At(name);
        File.WriteAllBytes(path, Latin1.Bytes(text));
        return path;
    }

    /// <summary>A file's contents, with ! for NUL; null when there is none.</summary>
    internal static string? Read(string path) => File.Exists(path) ? Latin1.String(File.ReadAllBytes(path)).Replace('\0', '!') : null;

    /// <summary>Puts a message in as qmail-queue does; the envelope has ! for NUL. Returns its number.</summary>
    internal ulong Accept(string envelope, string message = "Subject: hi\n\nbody\n", QueueLayout? by = null)
    {
        QueueLayout layout = by ?? Layout;
        string start = Write("pid/new" + Guid.NewGuid().ToString("N"), message);
        _ = Files.Status(start, out FileStatus status);
        ulong id = status.Inode;
        File.Move(start, layout.Mess(id));
        Write(layout.Intd(id), envelope.Replace('!', '\0'));
        _ = Files.Link(layout.Intd(id), layout.Todo(id));
        return id;
    }

    /// <summary>Every file of the queue, as paths below it, sorted.</summary>
    internal List<string> FilesOf(params string[] kinds)
    {
        List<string> all = [];
        foreach (string kind in kinds)
            foreach (string path in Directory.EnumerateFiles(At(kind), "*", SearchOption.AllDirectories))
                all.Add(path[(Layout.Directory.Length + 1)..]);
        all.Sort(StringComparer.Ordinal);
        return all;
    }

    public void Dispose() => Directory.Delete(Layout.Directory, recursive: true);
}
