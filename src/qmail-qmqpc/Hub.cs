// A server that takes messages for a host without a queue, as control files and arguments name it.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.NullClient;

/// <summary>A hub.</summary>
/// <param name="Host">Its address or its name.</param>
/// <param name="Port">Its TCP port.</param>
internal sealed record Hub(string Host, int Port)
{
    /// <summary>Its address, when it is not a name.</summary>
    internal IpAddress? Address => IpAddress.TryParse(Host, out IpAddress address) ? address : null;

    /// <summary>
    /// Reads an address or a name, with a colon and a port after it or not. An IPv6 address with a port is in brackets.
    /// </summary>
    /// <exception cref="FormatException">It is neither.</exception>
    internal static Hub Parse(string text, int port)
    {
        if (IpAddress.TryParse(text, out _)) return new Hub(text, port);
        int colon = text.LastIndexOf(':'), close = text.LastIndexOf(']');
        string host = text;
        if (colon > close)
        {
            port = PortOf(text.AsSpan(colon + 1)) ?? throw Bad(text);
            host = text[..colon];
        }
        if (host.Length > 2 && host[0] == '[' && host[^1] == ']' && IpAddress.TryParse(host.AsSpan(1, host.Length - 2), out _)) host = host[1..^1];
        foreach (char c in host)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_') && !IpAddress.TryParse(host, out _)) throw Bad(text);
        return host.Length > 0 ? new Hub(host, port) : throw Bad(text);
    }

    /// <summary>The port that a variable names.</summary>
    /// <exception cref="FormatException">What it names is none.</exception>
    internal static int PortFrom(string variable, int otherwise)
    {
        string? text = Variables.Get(variable);
        if (string.IsNullOrEmpty(text)) return otherwise;
        return PortOf(text) ?? throw new FormatException(variable + " is not the number of a port: " + text);
    }

    private static int? PortOf(ReadOnlySpan<char> text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and < 65536 ? port : null;

    /// <summary>
    /// The hubs to try, in this order: the arguments, or else the lines of a control file. When that file has the sticky
    /// bit, the second of the day decides which of its hubs is the first, so that all get their share.
    /// </summary>
    /// <param name="port">The port of those that name none.</param>
    /// <exception cref="PosixException">The file cannot be read.</exception>
    /// <exception cref="FormatException">There are no hubs, or what names one makes no sense.</exception>
    internal static List<Hub> List(string[] arguments, ControlFiles control, string file, int port)
    {
        List<Hub> hubs = [];
        foreach (string text in arguments.Length > 0 ? arguments : (IReadOnlyList<string>)(control.Lines(file) ?? []))
            hubs.Add(Parse(text, port));
        if (hubs.Count == 0) throw new FormatException(control.PathOf(file) + " names no server");
        const int sticky = 0x200; // S_ISVTX
        if (arguments.Length == 0 && Files.Status(control.PathOf(file), out FileStatus status) == 0 && (status.Mode & sticky) != 0)
        {
            int first = (int)(Clocks.Realtime % hubs.Count);
            Hub chosen = hubs[first];
            hubs.RemoveAt(first);
            hubs.Insert(0, chosen);
        }
        return hubs;
    }

    private static FormatException Bad(string text) => new("this is neither the address nor the name of a server: " + text);
}
