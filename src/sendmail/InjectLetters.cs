// The letters of the QMAILINJECT variable (qmail-inject(8)).
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>What the letters of QMAILINJECT ask for.</summary>
internal readonly record struct InjectLetters(string Letters)
{
    internal static InjectLetters FromEnvironment() => new(Variables.Get("QMAILINJECT") ?? "");

    /// <summary>c: the From field that is made has the name as a comment after the address.</summary>
    internal bool AddressComment => Letters.Contains('c');

    /// <summary>s: an incoming Return-Path field does not set the envelope sender.</summary>
    internal bool IgnoreReturnPath => Letters.Contains('s');

    /// <summary>f: incoming From fields are deleted.</summary>
    internal bool DeleteFrom => Letters.Contains('f');

    /// <summary>i: incoming Message-ID fields are deleted.</summary>
    internal bool DeleteMessageId => Letters.Contains('i');

    /// <summary>r: the envelope sender is one that becomes different for each recipient.</summary>
    internal bool PerRecipient => Letters.Contains('r');

    /// <summary>m: the envelope sender is different for each message.</summary>
    internal bool PerMessage => Letters.Contains('m');

    /// <summary>n: print the message.</summary>
    internal bool Print => Letters.Contains('n');
}
