// A server's context that follows its files: a renewed certificate is used from the next connection on.
using System;
using System.Threading;
using Qmta.Posix;

namespace Qmta.Tls;

/// <summary>
/// Gives the context for the next connection: the one made before as long as the files are as they were. When they
/// become unusable, as for the moment in which one is being written, the last good one stays in use. Any thread may ask.
/// </summary>
public sealed class TlsServerContexts
{
    private readonly Lock guard = new();
    private readonly TlsServerSettings settings;
    private TlsServerContext? context;
    private (FileVersion, FileVersion, FileVersion, FileVersion)? seen;
    private string? complained;

    public TlsServerContexts(TlsServerSettings settings) => this.settings = settings;

    /// <summary>The context; null when there never was a usable one.</summary>
    /// <param name="complaint">
    /// What is wrong, to be logged, when that is news; null when nothing is or it was told before. With a context it is
    /// something that connections can live with.
    /// </param>
    public TlsServerContext? Current(out string? complaint)
    {
        lock (guard)
        {
            complaint = null;
            // Looked at before the files are read: what changes while they are read is read again next time.
            var now = (Version(settings.Channel.CertificateFile), Version(settings.Channel.RevocationFile),
                Version(settings.ParametersFile), Version(settings.ClientAuthorities));
            string? flaw;
            try
            {
                if (seen != now) context = TlsServerContext.Create(settings);
                seen = now;
                flaw = context!.Complaint;
            }
            catch (TlsException e)
            {
                // Tried again next time, also when the files stay as they are: there may only have been too few descriptors.
                flaw = e.Message + (context == null ? "" : "; the old one stays in use");
            }
            if (flaw != complained) complaint = complained = flaw;
            return context;
        }
    }

    private static FileVersion Version(string? file) => file == null ? default : FileVersion.Of(file);
}
