// The command line of mailsink.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Qmta.Tests.Sink;

/// <summary>A reply that is given instead of the good one.</summary>
/// <param name="Pattern">Part of the address it is given for; * is every address.</param>
/// <param name="Reply">"CODE text".</param>
internal sealed record Rejection(string Pattern, string Reply)
{
    internal bool Matches(string address) => Pattern == "*" || address.Contains(Pattern, StringComparison.OrdinalIgnoreCase);
}

/// <summary>What mailsink was asked to do.</summary>
internal sealed class Options
{
    internal const string Usage = """
        usage: mailsink --port-file FILE --dir DIR [--port N] [--address IP] [faults]
          --port-file FILE           writes the port it listens on to FILE
          --dir DIR                  keeps message N as DIR/000N.eml, its envelope as DIR/000N.env
          --port N                   listens on port N (default: one that is free)
          --address IP               listens on IP (default: 127.0.0.1)
          --greeting "CODE text"     greets with this (default: 220 mailsink ESMTP)
          --auth USER:PASSWORD[:MECHANISM,...]   offers AUTH and takes mail only after it; the envelope notes it
          --no-ehlo                  knows HELO only
          --no-pipelining            does not offer PIPELINING
          --reject-mail PATTERN:CODE text   refuses senders that contain PATTERN; * is all
          --reject-rcpt PATTERN:CODE text   refuses recipients that contain PATTERN; * is all
          --reject-data "CODE text"  refuses the DATA command
          --reject-message "CODE text"      refuses after the end of the message
          --tempfail-first N         answers 451 to the first N messages after their end
          --delay-ms N               waits before every reply
          --tls-cert FILE            offers STARTTLS with the certificate and key in FILE (PEM)
          --smtps                    begins TLS at once, with --tls-cert
          --tls-stall                says 220 to STARTTLS and then nothing any more
          --max-rcpt N               answers 452 to recipients after the first N of a transaction
          --log-connections          writes a line to standard error for every connection
          --qmtp                     speaks QMTP; of the faults --reject-rcpt and --delay-ms work with it
          --drop-at STAGE            hangs up instead of replying at connect, ehlo, auth, mail, rcpt, data, body or dot
        """;

    private static readonly string[] Stages = ["connect", "ehlo", "auth", "mail", "rcpt", "data", "body", "dot"];

    internal SaslServer? Auth { get; private set; }
    internal bool Help { get; private set; }
    internal string PortFile { get; private set; } = "";
    internal string Directory { get; private set; } = "";
    internal int Port { get; private set; }
    internal IPAddress Address { get; private set; } = IPAddress.Loopback;
    internal string Greeting { get; private set; } = "220 mailsink ESMTP";
    internal bool Ehlo { get; private set; } = true;
    internal bool Pipelining { get; private set; } = true;
    internal List<Rejection> RejectMail { get; } = [];
    internal List<Rejection> RejectRecipient { get; } = [];
    internal string? RejectData { get; private set; }
    internal string? RejectMessage { get; private set; }
    internal int TempfailFirst { get; private set; }
    internal int DelayMilliseconds { get; private set; }
    internal int MostRecipients { get; private set; } = int.MaxValue;
    internal bool LogConnections { get; private set; }
    internal bool Qmtp { get; private set; }
    internal string DropAt { get; private set; } = "";
    internal X509Certificate2? Certificate { get; private set; }
    internal bool Smtps { get; private set; }
    internal bool TlsStall { get; private set; }

    internal static Options Parse(string[] args)
    {
        Options options = new();
        for (int i = 0; i < args.Length; i++)
        {
            string option = args[i];
            string Value() => ++i < args.Length ? args[i] : throw new FormatException(option + " needs a value");
            int Number() => int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out int n)
                ? n : throw new FormatException(option + " needs a number");
            switch (option)
            {
                case "--help": options.Help = true; return options;
                case "--port-file": options.PortFile = Value(); break;
                case "--dir": options.Directory = Value(); break;
                case "--port": options.Port = Number(); break;
                case "--address":
                    options.Address = IPAddress.TryParse(Value(), out IPAddress? address)
                        ? address : throw new FormatException("--address needs an IP address");
                    break;
                case "--greeting": options.Greeting = Reply(Value()); break;
                case "--auth": options.Auth = SaslServer.Parse(Value()); break;
                case "--no-ehlo": options.Ehlo = false; break;
                case "--no-pipelining": options.Pipelining = false; break;
                case "--reject-mail": options.RejectMail.Add(Reject(Value())); break;
                case "--reject-rcpt": options.RejectRecipient.Add(Reject(Value())); break;
                case "--reject-data": options.RejectData = Reply(Value()); break;
                case "--reject-message": options.RejectMessage = Reply(Value()); break;
                case "--tempfail-first": options.TempfailFirst = Number(); break;
                case "--delay-ms": options.DelayMilliseconds = Number(); break;
                case "--max-rcpt": options.MostRecipients = Number(); break;
                case "--log-connections": options.LogConnections = true; break;
                case "--qmtp": options.Qmtp = true; break;
                case "--tls-cert": options.Certificate = Load(Value()); break;
                case "--smtps": options.Smtps = true; break;
                case "--tls-stall": options.TlsStall = true; break;
                case "--drop-at":
                    options.DropAt = Value();
                    if (Array.IndexOf(Stages, options.DropAt) < 0)
                        throw new FormatException("--drop-at needs one of " + string.Join(", ", Stages));
                    break;
                default: throw new FormatException("unknown option " + option);
            }
        }
        if ((options.Smtps || options.TlsStall) && options.Certificate == null)
            throw new FormatException("--smtps and --tls-stall need --tls-cert");
        if (options.PortFile.Length == 0 || options.Directory.Length == 0) throw new FormatException("--port-file and --dir are needed");
        return options;
    }

    private static X509Certificate2 Load(string file)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(file);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"--tls-cert {file}: {e.Message}");
        }
    }

    private static Rejection Reject(string text)
    {
        int colon = text.LastIndexOf(':', Math.Max(0, text.IndexOf(' ')));
        return colon > 0 ? new Rejection(text[..colon], Reply(text[(colon + 1)..]))
            : throw new FormatException("a rejection is PATTERN:CODE text, not " + text);
    }

    private static string Reply(string text) =>
        text.Length > 3 && text[3] == ' ' && int.TryParse(text.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? text : throw new FormatException("a reply is \"CODE text\", not " + text);
}
