// Regular expressions of control files: the C library's extended ones (regcomp(3)).
using System;
using System.Runtime.InteropServices;
using Qmta.Text;

namespace Qmta.Posix;

/// <summary>An extended regular expression (regex(7)), matched anywhere in a text, without regard to case.</summary>
public sealed unsafe class RegularExpression : IDisposable
{
    // regex_t is 64 bytes with glibc on 64-bit machines, less elsewhere.
    private const int OpaqueSize = 256;

    private const int Extended = 1, IgnoreCase = 2, NoSubexpressions = 8;

    private byte* compiled;

    /// <summary>Compiles it.</summary>
    /// <exception cref="FormatException">It is none; the message says what is wrong with it.</exception>
    public RegularExpression(string pattern)
    {
        compiled = (byte*)NativeMemory.AllocZeroed(OpaqueSize);
        int error;
        fixed (byte* p = CString.Of(pattern, stackalloc byte[CString.Inline]))
            error = Libc.regcomp(compiled, p, Extended | IgnoreCase | NoSubexpressions);
        if (error == 0) return;
        byte* text = stackalloc byte[256];
        _ = Libc.regerror(error, compiled, text, 256);
        // regcomp has freed what it had; there is nothing for regfree.
        NativeMemory.Free(compiled);
        compiled = null;
        throw new FormatException("\"" + pattern + "\" is no regular expression: " + CString.From(text));
    }

    /// <summary>Whether it matches somewhere in the text, which is cut at a NUL.</summary>
    public bool Matches(string text)
    {
        ObjectDisposedException.ThrowIf(compiled == null, this);
        fixed (byte* t = CString.Of(text, stackalloc byte[CString.Inline])) return Libc.regexec(compiled, t, 0, 0, 0) == 0;
    }

    /// <summary>Frees what the C library holds.</summary>
    public void Dispose()
    {
        if (compiled == null) return;
        Libc.regfree(compiled);
        NativeMemory.Free(compiled);
        compiled = null;
    }
}
