// Where mailsink keeps messages.
using System.Globalization;
using System.IO;
using System.Threading;

namespace Qmta.Tests.Sink;

/// <summary>A directory of numbered messages; each appears under its name only when it is complete.</summary>
internal sealed class Store
{
    private readonly string directory;
    private int last, unfinished, ended;

    internal Store(string directory)
    {
        this.directory = directory;
        Directory.CreateDirectory(directory);
        foreach (string file in Directory.EnumerateFiles(directory, "*.eml"))
            if (int.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                last = System.Math.Max(last, number);
    }

    /// <summary>A file for a message that is about to arrive.</summary>
    internal string NewFile() => Path.Combine(directory, "tmp." + Interlocked.Increment(ref unfinished));

    /// <summary>How many messages have come to their end, kept or not, with this one.</summary>
    internal int CountEnd() => Interlocked.Increment(ref ended);

    /// <summary>Gives a complete message its number; its envelope is there first.</summary>
    internal void Keep(string file, string envelope)
    {
        string name = Path.Combine(directory, Interlocked.Increment(ref last).ToString("D4", CultureInfo.InvariantCulture));
        File.WriteAllText(name + ".env", envelope, System.Text.Encoding.Latin1);
        File.Move(file, name + ".eml");
    }
}
