// The command line of qmail-local.
using System;
using System.Globalization;

namespace Qmta.Local;

/// <summary>The parsed command line (qmail-local(8)).</summary>
internal static class CommandLine
{
    internal const string Usage =
        "qmail-local: usage: qmail-local [ -nN ] user homedir local dash ext domain sender aliasempty qqeh";

    /// <summary>Parses the arguments; null when they are not qmail-local's.</summary>
    /// <param name="arguments">All arguments after the program's name.</param>
    /// <param name="identity">Whom to become first: the option by which qmail-lspawn, as root, says it.</param>
    internal static Delivery? Parse(ReadOnlySpan<string> arguments, out (uint Uid, uint Gid)? identity)
    {
        if (!TakeIdentity(ref arguments, out identity)) return null;
        bool describe = false;
        while (!arguments.IsEmpty && arguments[0].Length > 1 && arguments[0][0] == '-')
        {
            string option = arguments[0];
            arguments = arguments[1..];
            if (option == "--") break;
            foreach (char letter in option.AsSpan(1))
            {
                if (letter is not ('n' or 'N')) return null;
                describe = letter == 'n';
            }
        }
        // dot-qmail(5) shows a test run without the last argument.
        if (arguments.Length is not (8 or 9) || !arguments[1].StartsWith('/')) return null;
        return new Delivery(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
            arguments[6], arguments[7], arguments.Length == 9 ? arguments[8] : "") { DescribeOnly = describe };
    }

    /// <summary>Takes "--as uid:gid" off the front of the arguments; false when it is there and wrong.</summary>
    internal static bool TakeIdentity(ref ReadOnlySpan<string> arguments, out (uint Uid, uint Gid)? identity)
    {
        identity = null;
        if (arguments.IsEmpty || arguments[0] != "--as") return true;
        if (arguments.Length < 2 || (identity = ParseIdentity(arguments[1])) == null) return false;
        arguments = arguments[2..];
        return true;
    }

    private static (uint, uint)? ParseIdentity(string text)
    {
        int colon = text.IndexOf(':');
        return colon > 0 && ParseId(text.AsSpan(0, colon), out uint uid) && ParseId(text.AsSpan(colon + 1), out uint gid)
            && uid != 0 ? (uid, gid) : null;
    }

    private static bool ParseId(ReadOnlySpan<char> text, out uint id) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);
}
