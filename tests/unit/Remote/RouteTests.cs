using System;
using Qmta.Remote;
using Xunit;

namespace Qmta.Tests.Remote;

[Collection("alone")]
public class RouteTests
{
    private static readonly string[] Lines =
    [
        "example.org:relay.example:2525", ".example.org:wild.example", "direct.example:", "four.example:[192.0.2.1]:26",
        "six.example:[2001:db8::1]", "six-port.example:[2001:db8::1]:27", "port.example:host:", "!@:bounces.example:28", ":default.example",
    ];

    [Theory]
    [InlineData("example.org", "relay.example", 2525)]
    [InlineData("EXAMPLE.ORG", "relay.example", 2525)]
    [InlineData("a.b.example.org", "wild.example", 25)]
    [InlineData("direct.example", "", 25)]
    [InlineData("four.example", "[192.0.2.1]", 26)]
    [InlineData("six.example", "[2001:db8::1]", 25)]
    [InlineData("six-port.example", "[2001:db8::1]", 27)]
    [InlineData("port.example", "host", 25)]
    [InlineData("other", "default.example", 25)]
    [InlineData("[192.0.2.9]", "default.example", 25)]
    public void Finds(string host, string relay, int port) => Assert.Equal(new Route(relay, port), new SmtpRoutes(Lines).Find(host, "joe@here"));

    [Fact]
    public void BouncesHaveTheirOwnRoute() => Assert.Equal(new Route("bounces.example", 28), new SmtpRoutes(Lines).Find("example.org", ""));

    [Fact]
    public void WithoutFileEverythingGoesDirectly() => Assert.Equal(Route.Direct, new SmtpRoutes(null).Find("example.org", ""));

    [Theory]
    [InlineData(":relay:25 joe")]
    [InlineData(":relay:25 joe secret secret")]
    [InlineData(":relay:25 joe secret secret=1")]
    [InlineData(": joe secret")]
    [InlineData(":relay:25 joe secret AUTH_SMTPX=1")]
    [InlineData("::25 joe secret")]
    [InlineData(":relay:25:1:2:3")]
    [InlineData(":relay:25:x")]
    [InlineData(":relay:25:1:-2")]
    [InlineData(":relay:25:99999999999")]
    [InlineData(":2001:db8::1")]
    [InlineData(":relay:0")]
    [InlineData(":relay:65536")]
    [InlineData(":relay:smtp")]
    [InlineData(":[192.0.2.1")]
    [InlineData(":[192.0.2.1]25")]
    public void RefusesWhatItCannotFollow(string line)
    {
        FormatException e = Assert.Throws<FormatException>(() => new SmtpRoutes([line]).Find("example.org", ""));
        Assert.Contains("example.org", e.Message);
        Assert.DoesNotContain("secret", e.Message);
    }

    [Theory]
    [InlineData("::2525", "", 2525, null, null)]
    [InlineData(":relay:2525:600:60", "relay", 2525, 600, 60)]
    [InlineData(":relay::0", "relay", 25, 0, null)]
    [InlineData(":[2001:db8::1]::-30:5", "[2001:db8::1]", 25, -30, 5)]
    public void RoutesSayHowToTreatFailures(string line, string relay, int port, int? penalty, int? tolerance) =>
        Assert.Equal(new Route(relay, port) { Penalty = penalty, Tolerance = tolerance }, new SmtpRoutes([line]).Find("example.org", "joe@here"));

    [Theory]
    [InlineData("both.example", "q1", 209, true)]       // the same key: QMTP
    [InlineData("smtp.example", "s2", 25, false)]       // a key beats a wildcard
    [InlineData("x.example", "q3", 2209, true)]
    [InlineData("direct.example", "", 209, true)]
    [InlineData("elsewhere", "s4", 25, false)]
    public void RoutesForQmtpComeFirst(string host, string relay, int port, bool qmtp) => Assert.Equal(
        new Route(relay, port) { Protocol = qmtp ? MailProtocol.Qmtp : MailProtocol.Smtp },
        new SmtpRoutes(["both.example:s1", "smtp.example:s2", ":s4"],
            ["both.example:q1", "direct.example:", ".example:q3:2209"]).Find(host, "joe@here"));

    [Fact]
    public void ADatabaseAddsToTheLines()
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            System.IO.File.WriteAllText(path, "Big.example:fromdb:26\n.example:wilddb\nown.example:notthis\n");
            Qmta.Control.CdbSource.Compile(path);
            SmtpRoutes routes = new(new RouteTable(["own.example:line", ":default"], "smtproutes", path + ".cdb"), new RouteTable(null));
            Assert.Equal(["fromdb", "line", "wilddb", "default"],
                Array.ConvertAll(["BIG.example", "own.example", "a.b.example", "other"], host => routes.Find(host, "joe@here").Relay));
            System.IO.File.WriteAllText(path + ".cdb", "damaged");
            Assert.Contains("not a constant database", Assert.Throws<FormatException>(() => routes.Find("x.example", "joe@here")).Message);
        }
        finally
        {
            System.IO.File.Delete(path);
            System.IO.File.Delete(path + ".cdb");
        }
    }

    [Fact]
    public void VariablesReplaceFiles()
    {
        string directory = System.IO.Directory.CreateTempSubdirectory("qmta-routes-").FullName;
        Qmta.Control.ControlFiles control = new(directory);
        Route Find() => new SmtpRoutes(RouteTable.Read(control, "smtproutes", ["QMTA_TEST_ROUTE"], ["QMTA_TEST_FILE"]),
            new RouteTable([":q"])).Find("example.org", "joe@here");
        try
        {
            System.IO.File.WriteAllText(directory + "/smtproutes", "example.org:file\n");
            System.IO.File.WriteAllText(directory + "/others", "example.org:other\n");
            Assert.Equal("file", Find().Relay);
            Qmta.Posix.Variables.Set("QMTA_TEST_FILE", "others");
            Assert.Equal("other", Find().Relay);
            Qmta.Posix.Variables.Set("QMTA_TEST_FILE", directory + "/others");
            Assert.Equal("other", Find().Relay);
            Qmta.Posix.Variables.Set("QMTA_TEST_ROUTE", ":variable");
            Assert.Equal("variable", Find().Relay);
        }
        finally
        {
            Qmta.Posix.Variables.Set("QMTA_TEST_FILE", null);
            Qmta.Posix.Variables.Set("QMTA_TEST_ROUTE", null);
            System.IO.Directory.Delete(directory, true);
        }
    }
}
