// Why a program ends without having done its work: a sentence and the exit code that qmail-local understands.
using System;

namespace Qmta.Filter;

/// <summary>The program gives up (qmail-command(8), EXIT CODES).</summary>
internal sealed class Failure : Exception
{
    internal const int Permanent = 100, Temporary = 111;

    private Failure(int code, string sentence, bool bare) : base(sentence)
    {
        Code = code;
        IsBare = bare;
    }

    internal int Code { get; }

    /// <summary>The sentence is for the sender of the message: the program's name does not belong in front of it.</summary>
    internal bool IsBare { get; }

    /// <summary>The message bounces, or the command line is wrong.</summary>
    internal static Failure Bounce(string sentence) => new(Permanent, sentence, bare: false);

    /// <summary>The message bounces with this text for its sender.</summary>
    internal static Failure BounceSaying(string sentence) => new(Permanent, sentence, bare: true);

    /// <summary>The delivery is tried again later.</summary>
    internal static Failure TryLater(string sentence) => new(Temporary, sentence, bare: false);
}
