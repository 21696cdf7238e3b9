// The machine's own name, as its kernel knows it.
namespace Qmta.Posix;

/// <summary>The name of this host (gethostname(2)).</summary>
public static unsafe class HostName
{
    /// <summary>The name, or "localhost" when there is none.</summary>
    public static string Get()
    {
        const int size = 257;
        byte* buffer = stackalloc byte[size];
        if (Libc.gethostname(buffer, size) != 0) return "localhost";
        buffer[size - 1] = 0;
        string name = CString.From(buffer);
        return name.Length == 0 ? "localhost" : name;
    }
}
