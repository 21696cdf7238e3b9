// Places for what programs read from and write to files: in memory where the system has such a place.
using System;
using System.IO;

namespace Qmta.Tests.Fuzz;

/// <summary>A directory of this process.</summary>
internal static class Scratch
{
    /// <summary>Its path.</summary>
    internal static string Path { get; } = Directory.CreateDirectory(
        (Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath()) + "/qmta-fuzz." + Environment.ProcessId).FullName;

    /// <summary>Writes a file there and returns its path.</summary>
    internal static string Write(string name, ReadOnlySpan<byte> bytes)
    {
        string path = Path + "/" + name;
        using FileStream file = new(path, FileMode.Create);
        file.Write(bytes);
        return path;
    }

    /// <summary>A directory below it.</summary>
    internal static string Folder(string name) => Directory.CreateDirectory(Path + "/" + name).FullName;

    internal static void Remove()
    {
        try
        {
            Directory.Delete(Path, true);
        }
        catch (IOException)
        {
            // a child may still be there; the next boot clears it away
        }
    }
}
