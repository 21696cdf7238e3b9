// Finding the .qmail file of an address (dot-qmail(5), EXTENSION ADDRESSES).
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>A name under which the instructions for an address may be.</summary>
/// <param name="File">The file's name in the home directory.</param>
/// <param name="Default">What "default" in the name stands for, or null when the name does not end so.</param>
internal readonly record struct DotQmailName(string File, string? Default);

/// <summary>The delivery instructions of an address, as they were when the delivery began.</summary>
/// <param name="Text">The file's bytes.</param>
/// <param name="ForwardsOnly">The file's x bit is set: it must deliver to no file and no program.</param>
/// <param name="Default">What the variable DEFAULT says, or null.</param>
internal sealed record DotQmail(byte[] Text, bool ForwardsOnly, string? Default)
{
    /// <summary>Longest .qmail file accepted, in bytes: a list of some 200,000 addresses.</summary>
    internal const int LongestFile = 8 << 20;

    private const int WritableByOthers = 0x12; // 022

    /// <summary>The extension as it is in file names: a dot could lead out of the home directory.</summary>
    internal static string SafeExtension(string ext) => Latin1.Lower(ext).Replace('.', ':');

    /// <summary>
    /// The names to try, in order: the address's own, then the defaults from the longest to the shortest.
    /// </summary>
    internal static IEnumerable<DotQmailName> Names(string dash, string ext)
    {
        string safe = SafeExtension(ext);
        bool isDefault = safe.EndsWith("default", System.StringComparison.Ordinal);
        yield return new(".qmail" + dash + safe, isDefault ? ext[^7..] : null);
        for (int i = safe.Length; i >= 0; i--)
            if (i == 0 || safe[i - 1] == '-')
                yield return new(".qmail" + dash + safe[..i] + "default", ext[i..]);
    }

    /// <summary>Finds and reads the file; null when the address has none.</summary>
    /// <param name="dash">What stands between .qmail and the extension.</param>
    /// <param name="ext">The extension as the sender wrote it.</param>
    /// <param name="directory">The home directory with a slash at its end; "" for the current one.</param>
    /// <exception cref="DeliveryFailure">A file is there and cannot be used.</exception>
    internal static DotQmail? Find(string dash, string ext, string directory = "")
    {
        foreach (DotQmailName name in Names(dash, ext))
        {
            // A FIFO must not hold up the delivery.
            int fd = Files.Open(directory + name.File, OpenMode.Read | OpenMode.NonBlocking);
            if (fd is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.ENAMETOOLONG) continue;
            if (fd < 0) throw DeliveryFailure.TryLater("Unable to open " + name.File, fd);
            try
            {
                int r = Files.Status(fd, out FileStatus status);
                if (r < 0) throw DeliveryFailure.TryLater("Unable to open " + name.File, r);
                if (!status.IsFile) continue;
                if ((status.Mode & WritableByOthers) != 0)
                    throw DeliveryFailure.TryLater("Uh-oh: .qmail file is writable. (#4.7.0)");
                bool executable = (status.Mode & 0x40 /* 0100 */) != 0;
                return new DotQmail(Read(fd, name.File, status.Size), executable, name.Default);
            }
            finally
            {
                _ = Files.Close(fd);
            }
        }
        return null;
    }

    private static byte[] Read(int fd, string name, long size)
    {
        byte[] text = new byte[System.Math.Min(size, LongestFile) + 1];
        int length = 0;
        while (true)
        {
            if (length > LongestFile)
                throw DeliveryFailure.TryLater($"Uh-oh: {name} is longer than {LongestFile} bytes. (#4.3.0)");
            if (length == text.Length) System.Array.Resize(ref text, System.Math.Min(2 * length, LongestFile + 1));
            int n = Files.Read(fd, System.MemoryExtensions.AsSpan(text, length));
            if (n < 0) throw DeliveryFailure.TryLater("Unable to open " + name, n);
            if (n == 0) break;
            length += n;
        }
        System.Array.Resize(ref text, length);
        return text;
    }
}
