// Why a local delivery stops: a sentence for the report and the exit code that says whether to try again.
using System;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>A delivery instruction failed; nothing after it is done.</summary>
internal sealed class DeliveryFailure : Exception
{
    internal const int Permanent = 100, Temporary = 111;

    private DeliveryFailure(int code, string sentence) : base(sentence) => Code = code;

    /// <summary>The exit code: 100, the message bounces; 111, it is tried again later.</summary>
    internal int Code { get; }

    internal static DeliveryFailure TryLater(string sentence) => new(Temporary, sentence);

    internal static DeliveryFailure Bounce(string sentence) => new(Permanent, sentence);

    /// <summary>A failed system call, in the form "Unable to open x: No space left on device. (#4.3.0)".</summary>
    internal static DeliveryFailure TryLater(string attempt, int errno, string status = "#4.3.0") =>
        new(Temporary, $"{attempt}: {Errno.Text(errno)}. ({status})");

    /// <summary>A write failed: over quota the message goes back to its sender, else it is tried again.</summary>
    internal static DeliveryFailure Write(int errno, DeliveryFailure otherwise) => Math.Abs(errno) == Errno.EDQUOT
        ? Bounce("Recipient's mailbox is full, message returned to sender. (#5.2.2)")
        : otherwise;
}
