// Where certificates and their relatives are: files of one directory, each of which a variable can put elsewhere.
using Qmta.Posix;

namespace Qmta.Control;

/// <summary>The directory of certificates: qmail-remote(8) and qmail-servercert(5) say what is in it.</summary>
public sealed class CertificateFiles
{
    private const string DefaultDirectory = "/etc/indimail/certs";

    public CertificateFiles(string directory) => Directory = directory;

    /// <summary>Its path, without a trailing slash.</summary>
    public string Directory { get; }

    /// <summary>The directory CERTDIR names.</summary>
    public static CertificateFiles FromEnvironment()
    {
        string? named = Variables.Get("CERTDIR");
        return new CertificateFiles(string.IsNullOrEmpty(named) ? DefaultDirectory : named.TrimEnd('/'));
    }

    /// <summary>The path in a variable, or of the file in the directory when the variable is empty or not set.</summary>
    public string PathOf(string variable, string name)
    {
        string? path = Variables.Get(variable);
        return string.IsNullOrEmpty(path) ? Directory + "/" + name : path;
    }

    /// <summary>As <see cref="PathOf"/>, but null when there is no such file.</summary>
    public string? Existing(string variable, string name)
    {
        string path = PathOf(variable, name);
        return Exists(path) ? path : null;
    }

    /// <summary>
    /// Whether there is such a file. One that cannot be looked at counts as there: it must not be skipped unnoticed.
    /// </summary>
    public static bool Exists(string path) =>
        Files.Status(path, out _) is not (-Errno.ENOENT or -Errno.ENOTDIR or -Errno.ENAMETOOLONG);
}
