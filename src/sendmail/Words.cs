// Words from outside that end up in a header field or an envelope record must not be able to end it.
using System;

namespace Qmta.Inject;

internal static class Words
{
    /// <summary>The text itself.</summary>
    /// <exception cref="InjectException">It contains a line end or a NUL.</exception>
    internal static string OneLine(string text, string source, Failure failure = Failure.Usage) =>
        IsOneLine(text) ? text
            : throw new InjectException(failure, source + " contains a line end or a NUL byte");

    /// <summary>Whether it has neither a line end nor a NUL.</summary>
    internal static bool IsOneLine(string text) => text.AsSpan().IndexOfAny('\r', '\n', '\0') < 0;

    /// <summary>Text for an error message: one line of visible characters, cut after 200.</summary>
    internal static string Shown(string text) =>
        string.Create(Math.Min(text.Length, 200), text, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++) to[i] = from[i] < ' ' || from[i] == 127 ? '?' : from[i];
        });
}
