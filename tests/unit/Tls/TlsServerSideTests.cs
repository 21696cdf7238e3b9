using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Qmta.Posix;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Tls;

public sealed class TlsServerSideTests : IDisposable
{
    private const string Host = "mx.test";
    private readonly TestAuthority authority = new();
    private readonly List<IDisposable> owned = [];

    public void Dispose()
    {
        foreach (IDisposable one in owned) one.Dispose();
        authority.Dispose();
    }

    private string Certificate(string file = "servercert.pem", bool expired = false)
    {
        using X509Certificate2 leaf = authority.Leaf(Host, expired);
        string path = authority.Write(file, leaf);
        Assert.Equal(0, Files.ChangeMode(path, 0x180));
        return path;
    }

    private TlsServerSettings Settings(string? method = null) => new(method == null
        ? new TlsSettings { CertificateFile = Certificate() }
        : new TlsSettings { CertificateFile = Certificate() }.WithMethod(method));

    private TlsContext Client(string? certificate = null, string? method = null, TlsSettings? settings = null)
    {
        settings ??= new TlsSettings { CertificateFile = certificate };
        TlsContext context = TlsContext.Create(method == null ? settings : settings.WithMethod(method), TlsTrust.Authorities,
            [authority.CertificateFile], false);
        owned.Add(context);
        return context;
    }

    private static string Refusal(TlsServerContext context, Action<Socket> client, int milliseconds = 60_000)
    {
        (Socket near, Socket far) = TlsPair.Connect();
        using (near)
        using (far)
        {
            Task part = Aside.Run(() => client(near));
            string reason = Assert.Throws<TlsException>(() => TlsStream.Accept(context, (int)far.Handle, Sockets.In(milliseconds))).Message;
            part.Wait(); // it uses what is disposed now
            return reason;
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", 256)]
    [InlineData(SslProtocols.Tls13, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)]
    public void ServesClientsOfOtherMakers(SslProtocols version, string name, string cipher, int bits)
    {
        TlsServerContext context = TlsServerContext.Create(Settings());
        (Socket near, Socket far) = TlsPair.Connect();
        using Socket closedLast = far;
        near.Blocking = true;
        Task<TlsStream> accepting = TlsPair.Accept(context, far);
        using SslStream client = new(new NetworkStream(near, ownsSocket: true));
        client.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = Host,
            EnabledSslProtocols = version,
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { authority.Certificate },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });
        using TlsStream server = TlsPair.Result(accepting);
        Assert.Equal((name, cipher), (server.Version, server.Cipher));
        Assert.Equal($"{name} {cipher} bits={bits}", server.Facts);
        client.Write("EHLO"u8);
        byte[] buffer = new byte[10];
        Assert.Equal(4, server.Receive(buffer, Sockets.In(30_000)));
        Assert.Equal(0, server.SendAll("250 ok"u8, Sockets.In(30_000), 30_000));
        Assert.Equal(6, client.ReadAtLeast(buffer, 6));
    }

    [Theory]
    [InlineData(null, "TLSv1_2", "TLSv1.2")]
    [InlineData(null, "TLSv1_3", "TLSv1.3")]
    [InlineData("TLSv1_2", null, "TLSv1.2")]
    [InlineData("TLSv1_3", null, "TLSv1.3")]
    [InlineData("TLSv1_2:TLSv1_2", null, "TLSv1.2")]
    public void KeepsToTheVersionsAllowed(string? server, string? client, string version) =>
        TlsPair.Converse(TlsServerContext.Create(Settings(server)), Client(method: client), (_, s) => Assert.Equal(version, s.Version));

    [Fact]
    public void RefusesVersionsThatAreNotAllowed()
    {
        TlsServerContext context = TlsServerContext.Create(Settings("TLSv1_3"));
        Assert.Equal("tlsv1 alert protocol version",
            Assert.Throws<TlsException>(() => TlsPair.Converse(context, Client(method: "TLSv1_2"))).Message);
    }

    [Fact]
    public void ItsOwnListOfCiphersDecides()
    {
        TlsServerSettings settings = new(new TlsSettings
        {
            CertificateFile = Certificate(),
            CipherList = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
            CipherSuites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384",
        });
        TlsServerContext context = TlsServerContext.Create(settings);
        TlsPair.Converse(context, Client(method: "TLSv1_2"), (_, s) => Assert.Equal("ECDHE-ECDSA-AES128-GCM-SHA256", s.Cipher));
        TlsPair.Converse(context, Client(method: "TLSv1_3"), (_, s) => Assert.Equal("TLS_CHACHA20_POLY1305_SHA256", s.Cipher));
    }

    [Theory]
    [InlineData("TLSv1_2")]
    [InlineData("TLSv1_3")]
    public void ResumesSessionsByTicket(string method)
    {
        TlsServerContext context = TlsServerContext.Create(Settings());
        TlsContext clients = Client(method: method);
        bool[] resumed = new bool[3];
        for (int i = 0; i < 3; i++)
            TlsPair.Converse(context, clients, (c, s) =>
            {
                Assert.Equal(c.Resumed, s.Resumed);
                resumed[i] = s.Resumed;
            });
        Assert.Equal([false, true, true], resumed);
        // A ticket is for the server that gave it: another one makes no error of it.
        TlsPair.Converse(TlsServerContext.Create(Settings()), clients, (_, s) => Assert.False(s.Resumed));
    }

    [Theory]
    [InlineData("TLSv1_2", "tls-unique")]
    [InlineData("TLSv1_2", "tls-exporter")]
    [InlineData("TLSv1_2", "tls-server-end-point")]
    [InlineData("TLSv1_3", "tls-exporter")]
    [InlineData("TLSv1_3", "tls-server-end-point")]
    public void BothSidesBindTheSameChannel(string method, string type)
    {
        TlsServerContext context = TlsServerContext.Create(Settings());
        TlsContext clients = Client(method: method);
        for (int i = 0; i < 2; i++) // the second one is resumed
            TlsPair.Converse(context, clients, (c, s) =>
            {
                Assert.NotNull(s.ChannelBinding(type));
                Assert.Equal(c.ChannelBinding(type), s.ChannelBinding(type));
            });
    }

    // who signed the client's certificate, whether it is expired, whether it is revoked, what it proves
    [Theory]
    [InlineData("authority", false, false, "joe@client.test")]
    [InlineData("authority", true, false, "")]
    [InlineData("authority", false, true, "")]
    [InlineData("stranger", false, false, "")]
    [InlineData("itself", false, false, "")]
    [InlineData("none", false, false, "")]
    public void ClientsMayProveAnAddress(string signer, bool expired, bool revoked, string proven)
    {
        bool[] withLists = signer == "authority" && revoked ? [true] : [true, false];
        foreach (bool lists in withLists) Prove(signer, expired, revoked, proven, lists);
    }

    private void Prove(string signer, bool expired, bool revoked, string proven, bool lists)
    {
        using TestAuthority stranger = new();
        using X509Certificate2 leaf = (signer == "stranger" ? stranger : authority).Leaf("client.test", expired,
            signer == "itself", mailbox: "joe@client.test");
        TlsServerSettings settings = Settings() with { ClientAuthorities = authority.CertificateFile };
        string? list = lists ? authority.WriteRevocations("crl.pem", revoked ? [leaf] : []) : null;
        settings = settings with { Channel = settings.Channel with { RevocationFile = list } };
        TlsServerContext context = TlsServerContext.Create(settings);
        TlsContext clients = Client(signer == "none" ? null : authority.Write("clientcert.pem", leaf));
        for (int i = 0; i < 2; i++)
            TlsPair.Converse(context, clients, (_, s) =>
            {
                Assert.Equal(proven.Length == 0 ? [] : [proven], s.ProvenAddresses());
                Assert.False(s.Resumed);
            });
    }

    [Fact]
    public void WithoutAuthoritiesNobodyIsAsked()
    {
        using X509Certificate2 leaf = authority.Leaf("client.test", mailbox: "joe@client.test");
        TlsPair.Converse(TlsServerContext.Create(Settings()), Client(authority.Write("clientcert.pem", leaf)),
            (_, s) => Assert.Empty(s.ProvenAddresses()));
    }

    [Fact]
    public void UsesTheParametersOfAFile()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=" + Host, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 own = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string file = authority.PathOf("rsa.pem"), parameters = authority.PathOf("dh2048.pem");
        File.WriteAllText(file, own.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        // ffdhe2048 of RFC 7919
        File.WriteAllText(parameters, """
            -----BEGIN DH PARAMETERS-----
            MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
            +8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
            87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
            YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
            7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
            ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
            -----END DH PARAMETERS-----

            """.Replace("            ", ""));
        TlsContext clients = TlsContext.Create(new TlsSettings { CipherList = "DHE-RSA-AES256-GCM-SHA384" }.WithMethod("TLSv1_2"),
            TlsTrust.Nobody, [], false);
        owned.Add(clients);
        foreach (string? given in new[] { parameters, null })
        {
            TlsServerSettings settings = new(new TlsSettings { CertificateFile = file }) { ParametersFile = given };
            TlsPair.Converse(TlsServerContext.Create(settings), clients, (_, s) => Assert.Equal("DHE-RSA-AES256-GCM-SHA384", s.Cipher));
        }
    }

    [Fact]
    public void FilesThatAreNoGoodAreNamed()
    {
        static string Words(TlsServerSettings settings) =>
            Assert.Throws<TlsException>(() => TlsServerContext.Create(settings)).Message;
        TlsServerSettings good = Settings();
        Assert.Equal("unable to use the certificate and key in /no/such.pem: No such file or directory",
            Words(new TlsServerSettings(new TlsSettings { CertificateFile = "/no/such.pem" })));
        string file = authority.PathOf("broken.pem");
        File.WriteAllText(file, File.ReadAllText(good.Channel.CertificateFile!)[..300]);
        Assert.StartsWith("unable to use the certificate and key in " + file + ": ",
            Words(new TlsServerSettings(new TlsSettings { CertificateFile = file })));
        // the certificate of one, the key of another
        string[] one = File.ReadAllText(Certificate("one.pem")).Split("-----BEGIN PRIVATE"),
            other = File.ReadAllText(Certificate("other.pem")).Split("-----BEGIN PRIVATE");
        File.WriteAllText(file, one[0] + "-----BEGIN PRIVATE" + other[1]);
        Assert.Equal("unable to use the certificate and key in " + file + ": key values mismatch",
            Words(new TlsServerSettings(new TlsSettings { CertificateFile = file })));
        Assert.StartsWith("unable to use the Diffie-Hellman parameters in " + file + ": ",
            Words(good with { ParametersFile = file }));
        Assert.StartsWith("unable to read certificates from /dev/null: ", Words(good with { ClientAuthorities = "/dev/null" }));
        Assert.StartsWith("unable to read revocation lists from /dev/null: ", Words(good with
        {
            ClientAuthorities = authority.CertificateFile,
            Channel = good.Channel with { RevocationFile = "/dev/null" },
        }));
        Assert.Equal("unable to use the ciphers NONSENSE: no cipher match",
            Words(good with { Channel = good.Channel with { CipherList = "NONSENSE" } }));
    }

    [Fact]
    public void LivesWithFlawsAndSaysSo()
    {
        string file = Certificate(expired: true);
        TlsServerContexts contexts = new(new TlsServerSettings(new TlsSettings { CertificateFile = file }));
        Assert.NotNull(contexts.Current(out string? complaint));
        Assert.Equal("the certificate in " + file + " has expired: clients that check it will refuse it", complaint);
        Assert.NotNull(contexts.Current(out complaint));
        Assert.Null(complaint);
        Certificate();
        Assert.Equal(0, Files.ChangeMode(file, 0x184));
        Assert.NotNull(contexts.Current(out complaint));
        Assert.Equal(file + " holds a private key and everybody can read it: chmod o-r " + file, complaint);
    }

    [Fact]
    public void FollowsItsFiles()
    {
        string file = authority.PathOf("servercert.pem");
        TlsServerContexts contexts = new(new TlsServerSettings(new TlsSettings { CertificateFile = file }));
        Assert.Null(contexts.Current(out string? complaint));
        Assert.Equal("unable to use the certificate and key in " + file + ": No such file or directory", complaint);
        Assert.Null(contexts.Current(out complaint));
        Assert.Null(complaint);

        Certificate();
        TlsServerContext first = contexts.Current(out complaint)!;
        Assert.NotNull(first);
        Assert.Null(complaint);
        Assert.Same(first, contexts.Current(out complaint));

        // half written
        string whole = File.ReadAllText(Certificate());
        File.WriteAllText(file, whole[..200]);
        Assert.Same(first, contexts.Current(out complaint));
        Assert.StartsWith("unable to use the certificate and key in " + file + ": ", complaint);
        Assert.EndsWith("; the old one stays in use", complaint);
        Assert.Same(first, contexts.Current(out complaint));
        Assert.Null(complaint);
        TlsContext clients = Client();
        TlsPair.Converse(first, clients);

        File.WriteAllText(file, whole);
        TlsServerContext second = contexts.Current(out complaint)!;
        Assert.NotSame(first, second);
        Assert.Null(complaint);
        TlsPair.Converse(second, clients);
    }

    [Fact]
    public void AStallingHandshakeEnds()
    {
        long begun = Environment.TickCount64;
        Assert.Equal("the client did not finish the TLS handshake in time",
            Refusal(TlsServerContext.Create(Settings()), _ => { }, 300));
        Assert.InRange(Environment.TickCount64 - begun, 250, 30_000);
    }

    [Theory]
    [InlineData("", "the client closed the connection")]
    [InlineData("EHLO what is this TLS you speak of\r\n", "wrong version number")]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "http request")]
    public void ABrokenHandshakeIsExplained(string said, string reason) =>
        Assert.Equal(reason, Refusal(TlsServerContext.Create(Settings()), socket =>
        {
            socket.Send(System.Text.Encoding.ASCII.GetBytes(said));
            socket.Shutdown(SocketShutdown.Send);
        }));

    [Fact]
    public void ManyConnectionsAtOnce()
    {
        TlsServerContexts contexts = new(Settings());
        TlsContext clients = Client();
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 4 },
            _ => TlsPair.Converse(contexts.Current(out string? _)!, clients));
    }
}
