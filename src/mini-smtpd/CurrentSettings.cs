// Control files for a process that serves for long: read again when they were read some time ago.
using System;
using System.Threading;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>Settings as they were a second ago at most. Any thread may ask.</summary>
internal sealed class CurrentSettings<T>(Func<ControlFiles, T> read, string? directory = null) where T : class
{
    private const int Milliseconds = 1000;

    private readonly string directory = directory ?? ControlFiles.FromEnvironment().Directory;
    private readonly Lock guard = new();
    private T? settings;
    private long settingsRead;

    /// <exception cref="PosixException">A file cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal T Get()
    {
        lock (guard)
        {
            long now = Clocks.BoottimeMilliseconds;
            if (settings != null && now - settingsRead < Milliseconds) return settings;
            settings = null; // a file that cannot be read must not leave the old ones in force unnoticed
            settings = read(new ControlFiles(directory));
            settingsRead = now;
            return settings;
        }
    }
}
