// A directory of its own for a test, with a message in it.
using System;
using System.IO;
using Qmta.Local;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Tests.Local;

internal sealed class Scratch : IDisposable
{
    internal Scratch() => Directory.CreateDirectory(Path);

    internal string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "qmta-local-" + Guid.NewGuid().ToString("N"));

    internal static Delivery Delivery { get; } =
        new("joe", "/home/joe", "joe-list", "-", "list", "example.org", "sue@example.net", "./Maildir/", "");

    internal string At(string name) => Path + "/" + name;

    internal string Maildir(string name)
    {
        foreach (string part in new[] { "tmp", "new", "cur" }) Directory.CreateDirectory(At(name + "/" + part));
        return At(name) + "/";
    }

    internal string Write(string name, string text)
    {
        File.WriteAllBytes(At(name), Latin1.Bytes(text));
        return At(name);
    }

    internal string Read(string name) => Latin1.String(File.ReadAllBytes(At(name)));

    /// <summary>Opens a message that the action delivers.</summary>
    internal void Message(string text, Action<MessageFile> deliver)
    {
        int fd = Files.Open(Write("message", text), OpenMode.Read);
        try
        {
            deliver(new MessageFile(fd));
        }
        finally
        {
            Files.Close(fd);
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
