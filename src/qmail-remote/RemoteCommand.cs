// The command qmail-remote: host, sender and recipients as arguments, the message on standard input.
using System;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>qmail-remote(8) as a program of its own.</summary>
internal static class RemoteCommand
{
    private const string Usage = "qmail-remote: usage: qmail-remote host sender qqeh size recip [ recip ... ]";

    /// <summary>
    /// Runs it; the exit code is 0 whatever the report says, unless a program that the report is told to has another.
    /// </summary>
    internal static int Run(string[] arguments)
    {
        if (arguments is ["--help"] or ["--version"])
        {
            string text = arguments[0] == "--help"
                ? Usage + "\nSends the message on standard input to a remote host; see qmail-remote(8).\n"
                : Version("qmail-remote");
            return Standard.Output(text) ? 0 : 111;
        }
        if (arguments is ["--check", ..]) return RouteCheck.Run(arguments[1..]);
        RemoteReport report;
        RemoteMessage? message = null;
        if (arguments.Length < 5)
            report = RemoteReport.Permanent("I (qmail-remote) was invoked improperly. (#5.3.5)\n" + Usage);
        else if (ExtraHeader.Lines(arguments[2]) is not string extraHeader)
            report = RemoteReport.Permanent("Sorry, the extra header does not consist of header fields. (#5.6.0)");
        else
        {
            try
            {
                RemoteSettings settings = RemoteSettings.Read(ControlFiles.FromEnvironment());
                RemoteDelivery delivery = new(settings, new Dns.Resolver(), new SmtpBuffers(),
                    new TcpTimeouts(QueueLayout.FromEnvironment().TcpTo));
                message = new RemoteMessage(arguments[0], arguments[1], arguments[4..], Size(arguments[3]), 0)
                {
                    ExtraHeader = extraHeader,
                };
                report = delivery.Deliver(message);
            }
            catch (Exception e) when (e is PosixException or FormatException)
            {
                report = RemoteReport.Temporary("Unable to read control files. (#4.3.0)\n" + e.Message);
            }
            catch (OutOfMemoryException)
            {
                report = RemoteReport.Temporary("Out of memory. (#4.3.0)");
            }
        }
        if (Files.WriteAll(1, Latin1.Bytes(report.Encode())) < 0) return 111;
        // With several recipients there are several results, of which the first one's is told.
        return message == null ? 0 : DeliveryHooks.Run(message, report.Merge(), report.CodeOf(0), report.Host);
    }

    /// <summary>The line that --version prints.</summary>
    internal static string Version(string program) =>
        program + " " + Programs.Version + " (qmta)\n";

    private static long Size(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : -1;
}
