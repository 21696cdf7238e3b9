// Latin-1 strings as the null-terminated byte strings that system calls take.
using System;

namespace Qmta.Posix;

internal static class CString
{
    /// <summary>Room on the stack that covers nearly every path.</summary>
    internal const int Inline = 256;

    /// <summary>
    /// The bytes of a Latin-1 string and a terminating NUL, in <paramref name="buffer"/> when they fit. A string that
    /// contains a NUL cannot name anything: it becomes the empty name, which every call answers with ENOENT.
    /// </summary>
    internal static Span<byte> Of(string text, Span<byte> buffer)
    {
        if (text.Contains('\0')) text = "";
        if (text.Length >= buffer.Length) buffer = new byte[text.Length + 1];
        for (int i = 0; i < text.Length; i++) buffer[i] = (byte)text[i];
        buffer[text.Length] = 0;
        return buffer[..(text.Length + 1)];
    }

    /// <summary>A null-terminated byte string from the system as a Latin-1 string.</summary>
    internal static unsafe string From(byte* text) =>
        text == null ? "" : Text.Latin1.String(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
}
