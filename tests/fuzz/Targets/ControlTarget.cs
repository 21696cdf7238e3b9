// Control files, rules and system files, whatever is in them (qmail-control(5)).
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Dns;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Reception;
using Qmta.Remote;
using Qmta.Send;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// A file is understood or refused with a sentence, never anything else; what is understood makes sense: ports are ports,
/// times are in bounds, a domain's letters' case does not matter, and no host is accepted that the file does not name.
/// </summary>
internal sealed class ControlTarget : Target
{
    private static readonly string[] Names = ["a.b.example", "B.example", "example", "", ".", "..", "[192.0.2.1]", "x", ".example", "a..b"];

    internal override string Name => "control";
    internal override string[] Words => [":relay.example:25\n", ".example:", "[::1]:26 joe pw AUTH_WITHOUT_TLS=1\n", "example.org:joe-\n", "!@:x\n", "#\n",
        "192.0.2.0/24:\n", "192.0.2.\n", "2001:db8::/32:@gate\n", "nameserver 127.0.0.1\n", "options timeout:3 ndots:0\n", "search a b\n", "50/3600\n",
        "::1 localhost\n", "=a\n", "\r\n", "\0", "\t", "%", "X=y\n", "/s", ":::"];

    internal override long Allowance(int length) => (4 << 20) + 4000L * length;

    private readonly ControlFiles control = new(Scratch.Folder("control"));
    private readonly QueueLayout queue = new(Scratch.Folder("controlqueue"));

    public ControlTarget()
    {
        Directory.CreateDirectory(queue.Directory + "/ratelimit");
        Directory.CreateDirectory(queue.Directory + "/lock/requests");
    }

    internal override void Run(byte[] input)
    {
        File.WriteAllBytes(control.PathOf("some"), input);
        List<string> lines = control.Lines("some")!;
        Must(lines.All(line => line.Length > 0 && !line.Contains('\n') && line[0] != '#' && line[^1] is not (' ' or '\t' or '\r')), "lines count or do not");
        Must(lines.Sum(line => line.Length + 1) <= input.Length + 1, "no line is invented");
        try
        {
            Must(control.Number("some", 7) >= 0, "a number is not negative");
        }
        catch (FormatException) { }
        Domains(lines);
        Routes(lines);
        Addresses(lines);
        Reception(lines);
        Resolver(Text(input));
        Rates(input);
        Environment(input);
        File.WriteAllBytes(queue.Directory + "/lock/requests/request.x", input);
        OperatorRequests requests = new(queue);
        foreach (string name in requests.Names()) _ = requests.Read(name);
        File.WriteAllBytes(queue.Clock, input);
        ClockStep step = new QueueClock(queue.Clock, () => new ClockReading(1_795_154_000, 1000, "boot")).SinceSaved();
        Must(step.Apply(1_795_154_000, 1_795_154_000) <= 1_795_154_000, "a time is not put into the future");
        File.WriteAllBytes(queue.TcpTo, input);
        Must(new TcpTimeouts(queue.TcpTo).All().Count <= 1 + input.Length / 16, "no timeout is invented");
    }

    private static void Domains(List<string> lines)
    {
        DomainMap map = new(lines);
        foreach (string name in Names)
        {
            MustEqual(map.Find(name), map.Find(name.ToUpperInvariant()), "letters' case does not matter");
            if (map.Find(name) is string found) Must(lines.Exists(line => line.EndsWith(":" + found, StringComparison.Ordinal)), "a value comes from a line");
        }
    }

    private static void Routes(List<string> lines)
    {
        SmtpRoutes routes = new(lines, lines);
        foreach (string name in Names)
        {
            foreach (string sender in new[] { "", "joe@x.example" })
            {
                try
                {
                    Route route = routes.Find(name, sender);
                    Must(route.Port is > 0 and <= 65535, "a port is one");
                    Must(route.Penalty is null or >= 0 && route.Tolerance is null or >= 0, "penalties are not negative");
                }
                catch (FormatException e)
                {
                    Must(e.Message.Length > 0, "there is a sentence");
                }
            }
        }
        try
        {
            _ = RouteLogin.FromLine(lines.Count > 0 ? lines[0] : "");
        }
        catch (FormatException) { }
    }

    private static void Addresses(List<string> lines)
    {
        AddressRouting routing = new(lines, lines, lines, "here.example");
        foreach (string line in lines.Take(20).Append("joe%x%y@a").Append("@").Append("%@%"))
        {
            Destination to = routing.Route(line);
            Must(to.Address.Contains('@'), "a destination has a domain");
            string plain = routing.WithoutPrepend(to.Address);
            Must(to.Address.EndsWith(plain, StringComparison.Ordinal), "what was put before an address is taken off");
        }
    }

    private void Reception(List<string> lines)
    {
        foreach (string name in new[] { "rcpthosts", "relayclients" }) File.Copy(control.PathOf("some"), control.PathOf(name), true);
        RecipientHosts hosts = RecipientHosts.Read(control);
        RelayClients clients = RelayClients.Read(control);
        AddressPatterns patterns = AddressPatterns.Read(control, "some");
        foreach (string name in Names)
        {
            MustEqual(hosts.Accepts("x@" + name), hosts.Accepts("X@" + name.ToUpperInvariant()), "letters' case does not matter");
            if (hosts.Accepts("x@" + name))
                Must(lines.Exists(line => ("x@" + name).EndsWith(Latin1.Lower(line), StringComparison.OrdinalIgnoreCase)), "only what is listed is accepted");
            MustEqual(patterns.Contains("x@" + name), patterns.Contains("X@" + name.ToUpperInvariant()), "letters' case does not matter");
        }
        foreach (string ip in new[] { "192.0.2.1", "::1", "2001:db8::1", "unknown", "" })
            if (clients.SuffixFor(ip, null) is string suffix) Must(lines.Exists(line => line.EndsWith(":" + suffix, StringComparison.Ordinal)), "a suffix comes from a line");
    }

    private static void Resolver(string text)
    {
        ResolverSettings settings = ResolverSettings.Parse(text);
        Must(settings.Servers.Count is > 0 and < 10 && settings.Suffixes.Count < 40 && settings.Timeout is > 0 and < 100 && settings.Attempts is > 0 and < 100
            && settings.Servers.All(server => server.Port is > 0 and <= 65535), "resolver settings are in bounds");
        HostsFile hosts = new(Scratch.Write("hosts", Latin1.Bytes(text)));
        MustEqual(hosts.Find("localhost").Count, hosts.Find("LOCALHOST").Count, "letters' case does not matter");
        _ = IpAddress.TryParse(text, out IpAddress address) && IpAddress.TryParse(address.ToString(), out IpAddress again)
            && (again == address ? true : throw new ViolationException("an address is read back"));
    }

    private void Rates(byte[] input)
    {
        File.WriteAllBytes(queue.Directory + "/ratelimit/x", input);
        try
        {
            RateLimit? limit = RateLimit.Of(queue, "x");
            Must(limit is { Rate: > 0 } && double.IsFinite(limit.Rate), "a rate is positive");
            RateVerdict verdict = limit!.Judge(1_795_154_000);
            Must(verdict.Ordinal > 0, "an ordinal is positive");
        }
        catch (Exception e) when (e is FormatException or PosixException) { } // nonsense, or too much of it
    }

    private static void Environment(byte[] input)
    {
        string folder = Scratch.Folder("env");
        File.WriteAllBytes(folder + "/VALUE", input);
        File.WriteAllBytes(folder + "/.envfile", input);
        try
        {
            foreach ((string name, string? value) in EnvironmentDirectory.Read(folder))
                Must(name.Length > 0 && !name.Contains('=') && value?.Contains('\0') != true, "a variable has a name, and a value or none");
        }
        catch (FormatException) { }
    }
}
