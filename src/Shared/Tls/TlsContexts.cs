// The contexts that were made so far, so that files are read and sessions resumed across connections.
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>
/// Gives the context for a kind of connections: the one made before as long as the settings and the files they name
/// are as they were. Any thread may ask.
/// </summary>
public sealed class TlsContexts
{
    // Beyond that many hosts with a file of their own, contexts are made anew now and then.
    private const int MostContexts = 50;

    private readonly Lock guard = new();
    private readonly Dictionary<string, Entry> entries = [];

    private sealed record Entry(TlsContext Context, TlsSettings Settings, string Files);

    /// <inheritdoc cref="TlsContext.Create"/>
    public TlsContext Get(TlsSettings settings, TlsTrust trust, IReadOnlyList<string> authorities, bool systemAuthorities)
    {
        string key = (int)trust + (systemAuthorities ? "+" : "-") + string.Join('\0', authorities);
        lock (guard)
        {
            string files = Versions(settings, authorities);
            if (entries.TryGetValue(key, out Entry? entry))
            {
                if (entry.Settings == settings && entry.Files == files) return entry.Context;
                entries.Remove(key);
            }
            TlsContext context = TlsContext.Create(settings, trust, authorities, systemAuthorities);
            // Dropped contexts are not disposed of here: other threads may be about to use them. The finalizer does.
            if (entries.Count >= MostContexts) entries.Clear();
            entries[key] = new Entry(context, settings, files);
            return context;
        }
    }

    private static string Versions(TlsSettings settings, IReadOnlyList<string> authorities)
    {
        string versions = Version(settings.CertificateFile) + Version(settings.RevocationFile);
        foreach (string file in authorities) versions += Version(file);
        return versions;
    }

    private static string Version(string? file)
    {
        if (file == null) return "none ";
        FileVersion version = FileVersion.Of(file);
        return version.Device + ":" + version.Inode + ":" + version.Changed + "." + version.ChangedNanoseconds + ":" + version.Size + " ";
    }
}
