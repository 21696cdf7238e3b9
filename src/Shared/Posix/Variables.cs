// The process's environment as bytes.
using System.Collections.Generic;

namespace Qmta.Posix;

/// <summary>Environment variables as Latin-1 strings, byte for byte (environ(7)).</summary>
public static unsafe class Variables
{
    /// <summary>The C library's own list, for a program that is started with the environment as it is.</summary>
    internal static byte** Pointer => Libc.GetEnviron();

    /// <summary>The value of a variable, or null when it is not set.</summary>
    public static string? Get(string name)
    {
        fixed (byte* p = CString.Of(name, stackalloc byte[CString.Inline]))
        {
            byte* value = Libc.getenv(p);
            return value == null ? null : CString.From(value);
        }
    }

    /// <summary>Sets a variable for this process and those it starts; null removes it.</summary>
    public static void Set(string name, string? value)
    {
        fixed (byte* n = CString.Of(name, stackalloc byte[CString.Inline]))
        {
            if (value == null)
            {
                _ = Libc.unsetenv(n);
                return;
            }
            fixed (byte* v = CString.Of(value, stackalloc byte[CString.Inline])) _ = Libc.setenv(n, v, 1);
        }
    }

    /// <summary>The whole environment as "NAME=value" strings.</summary>
    public static List<string> All()
    {
        List<string> all = [];
        for (byte** entry = Pointer; entry != null && *entry != null; entry++) all.Add(CString.From(*entry));
        return all;
    }
}
