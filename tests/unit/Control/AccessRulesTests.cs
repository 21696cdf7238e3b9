using System;
using System.IO;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Control;

public sealed class AccessRulesTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-access").FullName;

    public void Dispose() => Directory.Delete(directory, true);

    private AccessRules Text(string text)
    {
        File.WriteAllText(directory + "/tcp.smtp", text, System.Text.Encoding.Latin1);
        return new AccessRules(directory + "/tcp.smtp");
    }

    private AccessRules Database(params (string Key, string Data)[] records)
    {
        CdbWriter.Replace(directory + "/tcp.smtp.cdb", 0x1A4, writer =>
        {
            foreach ((string key, string data) in records) writer.Add(key, data);
        });
        return new AccessRules(directory + "/tcp.smtp.cdb");
    }

    private static IpAddress Ip(string text)
    {
        Assert.True(IpAddress.TryParse(text, out IpAddress address));
        return address;
    }

    private static string Ask(AccessRules rules, string client, string? host = null, string? info = null)
    {
        AccessDecision decision = rules.Decide(Ip(client), host, info, out string? complaint);
        Assert.Null(complaint);
        string variables = "";
        foreach ((string name, string value) in decision.Variables) variables += " " + name + "=" + value;
        return (decision.Allowed ? "allow" : "deny") + variables;
    }

    // D. J. Bernstein's examples (tcprules(1))
    [Theory]
    [InlineData("10.119.75.38", null, "third")]
    [InlineData("18.23.0.32", null, "second")]
    [InlineData("127.0.0.1", "bill", "fourth")]
    [InlineData("127.0.0.1", "joe", "first")]
    public void TheManualsExamples(string client, string? info, string rule) =>
        Assert.Equal("allow R=" + rule, Ask(Text("""
            joe@127.0.0.1:allow,R="first"
            18.23.0.32:allow,R="second"
            :allow,R="third"
            127.:allow,R="fourth"
            """), client, null, info));

    // the rules in the order in which tcpserver looks for them; each is taken away in turn
    [Fact]
    public void RulesAreSoughtInOrder()
    {
        string[] rules =
        [
            "joe@192.0.2.7", "joe@=mx.mail.example", "192.0.2.7", "=mx.mail.example", "192.0.2.0/25", "192.0.2.", "192.0.0.0/17",
            "192.0.", "192.", "=.mail.example", "=.example", "=", "",
        ];
        for (int i = 0; i < rules.Length; i++)
        {
            string text = "";
            for (int j = rules.Length - 1; j >= i; j--) text += rules[j] + ":allow,R=\"" + rules[j] + "\"\n";
            Assert.Equal("allow R=" + rules[i], Ask(Text(text), "192.0.2.7", "MX.Mail.Example", "joe"));
        }
        Assert.Equal("allow", Ask(Text("# nothing\n"), "192.0.2.7"));
    }

    [Theory]
    [InlineData("1.2.3.36", "allow")]
    [InlineData("1.2.3.37", "deny")]
    [InlineData("1.2.3.53", "deny")]
    [InlineData("1.2.3.54", "allow")]
    [InlineData("10.1.255.255", "allow")]
    [InlineData("10.2.0.0", "deny")]
    [InlineData("10.3.255.255", "deny")]
    [InlineData("10.20.0.0", "allow")]
    [InlineData("172.15.255.255", "allow")]
    [InlineData("172.16.0.0", "deny")]
    [InlineData("172.31.255.255", "deny")]
    [InlineData("172.32.0.0", "allow")]
    [InlineData("2001:db8:7fff::1", "deny")]
    [InlineData("2001:db8:8000::1", "allow")]
    [InlineData("2001:0db8:8000:0:0:0:0:1", "allow")]
    [InlineData("fe80::1", "deny")]
    [InlineData("fe80:1::1", "allow")]
    [InlineData("::1", "deny")]
    [InlineData("::ffff:10.2.0.1", "deny")]
    [InlineData("198.51.100.7", "deny")]
    [InlineData("198.51.100.8", "allow")]
    public void NetworksInEveryForm(string client, string instruction) =>
        Assert.Equal(instruction, Ask(Text("""
            1.2.3.37-53:deny
            10.2-3.:deny
            172.16.0.0/12:deny
            2001:DB8::/33:deny
            fe80:0000::deny
            ::1:deny
            ::ffff:198.51.100.7:deny
            """), client));

    [Fact]
    public void VariablesHaveAnyQuotes()
    {
        const string text = """
            127.:allow,RELAYCLIENT="",TCPLOCALHOST="movie.edu"
            10.0.:allow,RELAYCLIENT=/@fix."me"/,A=xa:denyx
            192.0.2.1:deny,WHY="you, of all: people"
            2001:db8::1:allow,A="b:deny"
            """;
        Assert.Equal("allow RELAYCLIENT= TCPLOCALHOST=movie.edu", Ask(Text(text + "  \t\r\n"), "127.0.0.9"));
        Assert.Equal("allow RELAYCLIENT=@fix.\"me\" A=a:deny", Ask(Text(text), "10.0.0.9"));
        Assert.Equal("deny WHY=you, of all: people", Ask(Text(text), "192.0.2.1"));
        Assert.Equal("allow A=b:deny", Ask(Text(text), "2001:db8::1"));
    }

    [Theory]
    [InlineData("1.2.3.4", "has neither :allow nor :deny after an address")]
    [InlineData("1.2.3.4:allowed", "has neither :allow nor :deny after an address")]
    [InlineData("1.2.3.4:Allow", "has neither :allow nor :deny after an address")]
    [InlineData("1.2.3.4 :allow", "has no address before its instruction: 1.2.3.4 ")]
    [InlineData("mx.example:allow", "has no address before its instruction: mx.example")]
    [InlineData("1.2.3:allow", "has no address before its instruction: 1.2.3")]
    [InlineData("1.2.3.256:allow", "has no address before its instruction: 1.2.3.256")]
    [InlineData("1.2.3.4.:allow", "has no address before its instruction: 1.2.3.4.")]
    [InlineData(".:allow", "has no address before its instruction: .")]
    [InlineData("1.2.3.4/33:allow", "has no address before its instruction: 1.2.3.4/33")]
    [InlineData("1.2.3.4/:allow", "has no address before its instruction: 1.2.3.4/")]
    [InlineData("2001:db8:::allow", "does not say how many bits count: 2001:db8::, or 2001:db8::/64?")]
    [InlineData("1.2.3.300-302:allow", "has a range that is not of two numbers from 0 to 255: 1.2.3.300-302")]
    [InlineData("1.2.3.9-3:allow", "has a range that is not of two numbers from 0 to 255: 1.2.3.9-3")]
    [InlineData("1.2-.:allow", "has a range that is not of two numbers from 0 to 255: 1.2-.")]
    [InlineData("joe@:allow", "has neither an address nor =host after the @")]
    [InlineData("joe@10.:allow", "has neither an address nor =host after the @")]
    [InlineData("1.2.3.4:allow,", "has something after its instruction that is not ,NAME=\"value\"")]
    [InlineData("1.2.3.4:allow,=\"x\"", "has something after its instruction that is not ,NAME=\"value\"")]
    [InlineData("1.2.3.4:allow,A=\"x\" ,B=\"y\"", "has something after its instruction that is not ,NAME=\"value\"")]
    [InlineData("1.2.3.4:allow,A=", "has something after its instruction that is not ,NAME=\"value\"")]
    [InlineData("1.2.3.4:allow,A=\"x", "has a value without its closing quote")]
    [InlineData("1.2.3.4:allow,A=\"x\0y\"", "has a NUL byte, which no variable can hold")]
    public void BadLinesAreNamed(string line, string why)
    {
        AccessRules rules = Text("# comment\n127.:allow\n\n" + line + "\n");
        Assert.False(rules.Decide(Ip("127.0.0.1"), null, null, out string? complaint).Allowed);
        Assert.Equal("line 4 of " + directory + "/tcp.smtp " + why + "; nobody may connect", complaint);
        Assert.False(rules.Decide(Ip("127.0.0.1"), null, null, out complaint).Allowed);
        Assert.Null(complaint);
    }

    [Fact]
    public void TheComplaintAboutALongLineIsShort()
    {
        File.WriteAllText(directory + "/long", new string('1', 5000) + ":allow\n");
        Assert.False(new AccessRules(directory + "/long").Decide(IpAddress.LoopbackV4, null, null, out string? complaint).Allowed);
        Assert.InRange(complaint!.Length, 200, 500);
    }

    [Fact]
    public void FollowsTheFile()
    {
        AccessRules rules = Text(":deny\n");
        Assert.Equal("deny", Ask(rules, "192.0.2.1"));
        Text("192.0.2.1:allow\n:deny\n");
        Assert.Equal("allow", Ask(rules, "192.0.2.1"));
        Text("nonsense\n");
        Assert.True(rules.Decide(Ip("192.0.2.1"), null, null, out string? complaint).Allowed);
        Assert.Equal("line 1 of " + directory + "/tcp.smtp has neither :allow nor :deny after an address; the old rules stay in force",
            complaint);
        Assert.Equal("deny", Ask(rules, "192.0.2.2"));
        File.Delete(directory + "/tcp.smtp");
        Assert.False(rules.Decide(Ip("192.0.2.2"), null, null, out complaint).Allowed);
        Assert.Equal("unable to open " + directory + "/tcp.smtp: No such file or directory; the old rules stay in force", complaint);
        Text(":allow\n");
        Assert.Equal("allow", Ask(rules, "192.0.2.2"));
    }

    [Fact]
    public void DatabasesFollowToo()
    {
        AccessRules rules = Database(("", "D\0"));
        Assert.Equal("deny", Ask(rules, "192.0.2.1"));
        Database(("", ""));
        Assert.Equal("allow", Ask(rules, "192.0.2.1"));
        File.WriteAllText(directory + "/new", "short");
        File.Move(directory + "/new", directory + "/tcp.smtp.cdb", overwrite: true);
        Assert.True(rules.Decide(Ip("192.0.2.2"), null, null, out string? complaint).Allowed);
        Assert.Equal(directory + "/tcp.smtp.cdb is not a constant database; the old rules stay in force", complaint);
        Assert.False(new AccessRules("/no/such.cdb").Decide(Ip("::1"), null, null, out complaint).Allowed);
        Assert.Equal("unable to open /no/such.cdb: No such file or directory; nobody may connect", complaint);
    }

    // What tcprules of ucspi-tcp 0.88 makes of such lines, byte for byte.
    [Theory]
    [InlineData("1.2.3.4", null, "allow A=x B=y\"z")]
    [InlineData("10.2.9.9", null, "deny")]
    [InlineData("10.3.9.9", null, "allow R=v4")]
    [InlineData("2001:db8::1", null, "allow R=full")]
    [InlineData("2001:db8::2", null, "allow R=32")]
    [InlineData("2001:db8:0:5::2", null, "allow R=32")]
    [InlineData("2001:db9:0:0:9:9:9:2", null, "allow R=prefix")]
    [InlineData("2001:dba::2", null, "allow R=groups")]
    [InlineData("192.0.2.1", "mx.example", "deny X=1")]
    [InlineData("192.0.2.1", "example", "allow")]
    [InlineData("192.0.2.1", null, "deny R=d")]
    [InlineData("::ffff:1.2.3.4", null, "allow A=x B=y\"z")]
    public void ReadsWhatTcprulesMakes(string client, string? host, string decision) =>
        Assert.Equal(decision, Ask(Database(
            ("1.2.3.4", "+A=x\0+B=y\"z\0"), ("10.2.", "D\0"), ("10.0.0.0/8", "+R=v4\0"), ("2001:db8::1", "+R=full\0"),
            ("2001:db8::/32", "+R=32\0"), ("2001:db9::", "+R=prefix\0"), ("2001:dba:0:", "+R=groups\0"),
            ("=.example", "D\0+X=1\0"), ("=", ""), ("", "D\0+R=d\0")), client, host));

    [Fact]
    public void TextAndDatabaseAgree()
    {
        Gen<string> part = Gen.Elements("0", "1", "2", "127", "255");
        Gen<string> address = Gen.Zip(Gen.Zip(part, part), Gen.Zip(part, part))
            .Select(p => p.Item1.Item1 + "." + p.Item1.Item2 + "." + p.Item2.Item1 + "." + p.Item2.Item2);
        Gen<(string, string, int)> rule = Gen.Zip(address, Gen.Zip(Gen.Elements("exact", "1", "2", "3", "bits"), Gen.Choose(0, 32)))
            .Select(r => (r.Item1, r.Item2.Item1, r.Item2.Item2));
        Prop.ForAll(Arb.From(Gen.Zip(rule.ListOf(), address)), given =>
        {
            string text = "";
            System.Collections.Generic.List<(string, string)> records = [];
            int number = 0;
            foreach ((string at, string kind, int bits) in given.Item1)
            {
                string key = kind switch
                {
                    "exact" => at,
                    "bits" => Ip(at).Network(bits) + "/" + bits,
                    _ => string.Join('.', at.Split('.')[..(kind[0] - '0')]) + ".",
                };
                text += key + ":allow,R=\"" + number + "\"\n";
                records.Add((key, "+R=" + number++ + "\0"));
            }
            string byText = Ask(Text(text), given.Item2), byDatabase = Ask(Database([.. records]), given.Item2);
            // Both forms of one network may have a rule: which of them counts is open.
            return byText == byDatabase || SameNetwork(given.Item1, byText, byDatabase);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    private static bool SameNetwork(System.Collections.Generic.IEnumerable<(string At, string Kind, int Bits)> rules, string one, string other)
    {
        (string, string, int)[] all = [.. rules];
        IpNetwork Of(string decision)
        {
            (string at, string kind, int bits) = all[int.Parse(decision["allow R=".Length..], System.Globalization.CultureInfo.InvariantCulture)];
            bits = kind switch { "exact" => 32, "bits" => bits, _ => 8 * (kind[0] - '0') };
            return new IpNetwork(Ip(at).Network(bits), bits);
        }
        return one.Length > 5 && other.Length > 5 && Of(one) == Of(other);
    }
}
