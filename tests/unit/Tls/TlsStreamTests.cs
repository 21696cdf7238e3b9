using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Authentication.ExtendedProtection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using Qmta.Posix;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Tls;

public sealed class TlsStreamTests : IDisposable
{
    private const string Host = "mx.test";
    private readonly TestAuthority authority = new();
    private readonly List<IDisposable> owned = [];

    public void Dispose()
    {
        foreach (IDisposable one in owned) one.Dispose();
        authority.Dispose();
    }

    private TlsServer Serve(X509Certificate2 certificate, Action<SslStream>? part = null,
        SslProtocols protocols = SslProtocols.None, bool wantsCertificate = false)
    {
        TlsServer server = new(certificate, part ?? TlsServer.Echo, protocols, wantsCertificate);
        owned.Add(server);
        return server;
    }

    private TlsContext Context(TlsTrust trust = TlsTrust.Authorities, TlsSettings? settings = null)
    {
        TlsContext context = TlsContext.Create(settings ?? new TlsSettings(), trust,
            trust == TlsTrust.Authorities ? [authority.CertificateFile] : [], false);
        owned.Add(context);
        return context;
    }

    private static TlsPeer Peer(string host = Host) => new(host, char.IsAsciiDigit(host[0]), "k");

    private static int Connect(int port)
    {
        Assert.True(IpAddress.TryParse("127.0.0.1", out IpAddress loopback));
        return PosixException.Check(Sockets.Connect(loopback, port, null, Sockets.In(5000)), "unable to connect");
    }

    private static string EchoOnce(TlsContext context, int port, TlsPeer peer, Action<TlsStream>? look = null)
    {
        int fd = Connect(port);
        try
        {
            using TlsStream stream = TlsStream.Connect(context, fd, peer, Sockets.In(10_000));
            Assert.Equal(0, stream.SendAll("hello"u8, Sockets.In(5000), 5000));
            byte[] buffer = new byte[5];
            for (int n = 0; n < 5;)
            {
                int r = stream.Receive(buffer.AsSpan(n), Sockets.In(5000));
                Assert.True(r > 0, Errno.Text(r));
                n += r;
            }
            Assert.Equal("hello"u8.ToArray(), buffer);
            look?.Invoke(stream);
            return stream.Facts;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    private static string Refused(TlsContext context, int port, TlsPeer peer, int milliseconds = 10_000)
    {
        int fd = Connect(port);
        try
        {
            return Assert.Throws<TlsException>(() => TlsStream.Connect(context, fd, peer, Sockets.In(milliseconds))).Message;
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLSv1.2 ")]
    [InlineData(SslProtocols.Tls13, "TLSv1.3 TLS_AES_256_GCM_SHA384 bits=256")]
    public void SpeaksBothVersions(SslProtocols version, string facts)
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        Assert.StartsWith(facts, EchoOnce(Context(), Serve(leaf, protocols: version).Port, Peer()));
    }

    // name, expired, self-signed, common name, subject alternative names, the name wanted, the reason
    [Theory]
    [InlineData(Host, false, false, null, true, Host, null)]
    [InlineData(Host, false, false, "other.test", true, Host, null)]
    [InlineData(Host, false, false, null, false, Host, null)] // the common name counts when there is no other
    [InlineData("*.mail.test", false, false, null, true, "mx.mail.test", null)]
    [InlineData("127.0.0.1", false, false, null, true, "127.0.0.1", null)]
    [InlineData(Host, true, false, null, true, Host, "certificate verify failed: certificate has expired")]
    [InlineData(Host, false, true, null, true, Host, "certificate verify failed: self-signed certificate")]
    [InlineData("other.test", false, false, null, true, Host, "certificate verify failed: hostname mismatch")]
    [InlineData("other.test", false, false, Host, true, Host, "certificate verify failed: hostname mismatch")]
    [InlineData("m*.test", false, false, null, true, Host, "certificate verify failed: hostname mismatch")]
    [InlineData(Host, false, false, null, true, "127.0.0.1", "certificate verify failed: IP address mismatch")]
    public void ChecksCertificates(string name, bool expired, bool selfSigned, string? commonName, bool withNames, string wanted,
        string? reason)
    {
        using X509Certificate2 leaf = authority.Leaf(name, expired, selfSigned, commonName, withNames);
        TlsServer server = Serve(leaf);
        if (reason == null) EchoOnce(Context(), server.Port, Peer(wanted));
        else Assert.Equal(reason, Refused(Context(), server.Port, Peer(wanted)));
        EchoOnce(Context(TlsTrust.Nobody), server.Port, Peer(wanted)); // good enough where nobody has to be believed
    }

    [Fact]
    public void StrangersAuthoritiesDoNotCount()
    {
        using TestAuthority other = new();
        using X509Certificate2 leaf = other.Leaf(Host);
        Assert.Equal("certificate verify failed: unable to get local issuer certificate", Refused(Context(), Serve(leaf).Port, Peer()));
    }

    [Fact]
    public void RevokedCertificatesAreRefused()
    {
        using X509Certificate2 revoked = authority.Leaf(Host), good = authority.Leaf(Host);
        TlsSettings settings = new() { RevocationFile = authority.WriteRevocations("crl.pem", revoked) };
        Assert.Equal("certificate verify failed: certificate revoked",
            Refused(Context(settings: settings), Serve(revoked).Port, Peer()));
        EchoOnce(Context(settings: settings), Serve(good).Port, Peer());
    }

    [Fact]
    public void AuthoritiesWithoutARevocationListAreBelieved()
    {
        using TestAuthority other = new();
        using X509Certificate2 leaf = authority.Leaf(Host);
        TlsSettings settings = new() { RevocationFile = other.WriteRevocations("crl.pem") };
        EchoOnce(Context(settings: settings), Serve(leaf).Port, Peer());
    }

    [Fact]
    public void ShowsItsOwnCertificate()
    {
        using X509Certificate2 leaf = authority.Leaf(Host), own = authority.Leaf("client.test");
        TlsServer server = Serve(leaf, wantsCertificate: true);
        TlsSettings settings = new() { CertificateFile = authority.Write("clientcert.pem", own) };
        EchoOnce(Context(settings: settings), server.Port, Peer());
        Assert.Equal(["CN=client.test"], server.ClientNames);
    }

    [Fact]
    public void TellsTheServerWhichHostIsMeant()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        string? named = null;
        TlsServer server = Serve(leaf, s =>
        {
            named = s.TargetHostName;
            TlsServer.Echo(s);
        });
        EchoOnce(Context(), server.Port, Peer());
        Assert.Equal(Host, named);
    }

    [Theory]
    [InlineData("TLSv1_2", "TLSv1.2 ")]
    [InlineData("TLSv1_2:", "TLSv1.3 ")]
    [InlineData(":TLSv1_2", "TLSv1.2 ")]
    [InlineData("TLSv1_3", "TLSv1.3 ")]
    [InlineData("SSLv23", "TLSv1.3 ")]
    public void KeepsToTheVersionsAllowed(string method, string facts)
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        Assert.StartsWith(facts, EchoOnce(Context(settings: new TlsSettings().WithMethod(method)), Serve(leaf).Port, Peer()));
    }

    [Fact]
    public void ChoosesAmongTheCiphersAllowed()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        int port = Serve(leaf).Port;
        TlsSettings old = new TlsSettings { CipherList = "ECDHE-ECDSA-AES128-GCM-SHA256" }.WithMethod("TLSv1_2");
        Assert.Equal("TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 bits=128", EchoOnce(Context(settings: old), port, Peer()));
        TlsSettings modern = new() { CipherSuites = "TLS_AES_128_GCM_SHA256" };
        Assert.Equal("TLSv1.3 TLS_AES_128_GCM_SHA256 bits=128", EchoOnce(Context(settings: modern), port, Peer()));
    }

    [Theory]
    [InlineData("TLSv9")]
    [InlineData("")]
    [InlineData("TLSv1_3:TLSv1_2")]
    public void NonsenseIsNoVersion(string method) =>
        Assert.Throws<FormatException>(() => new TlsSettings().WithMethod(method));

    [Fact]
    public void FilesAndSettingsThatAreNoGoodAreNamed()
    {
        string Words(TlsSettings settings, params string[] authorities) => Assert.Throws<TlsException>(
            () => TlsContext.Create(settings, TlsTrust.Authorities, authorities, false)).Message;
        Assert.Equal("unable to use the ciphers NONSENSE: no cipher match", Words(new TlsSettings { CipherList = "NONSENSE" }));
        Assert.Equal("unable to use the certificate and key in /no/such.pem: No such file or directory",
            Words(new TlsSettings { CertificateFile = "/no/such.pem" }));
        Assert.Equal("unable to use the certificate and key in " + authority.CertificateFile + ": unsupported",
            Words(new TlsSettings { CertificateFile = authority.CertificateFile })); // it has no key
        Assert.StartsWith("unable to read certificates from /dev/null: ", Words(new TlsSettings(), "/dev/null"));
        Assert.StartsWith("unable to read revocation lists from /dev/null: ", Words(new TlsSettings { RevocationFile = "/dev/null" }));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void ResumesSessions(SslProtocols version)
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        int port = Serve(leaf, protocols: version).Port;
        TlsContext context = Context();
        bool[] resumed = new bool[3];
        byte[]?[] bindings = new byte[]?[3];
        for (int i = 0; i < 3; i++)
            EchoOnce(context, port, Peer(), s =>
            {
                resumed[i] = s.Resumed;
                bindings[i] = s.ChannelBinding("tls-exporter");
            });
        Assert.Equal([false, true, true], resumed);
        Assert.Equal(3, bindings.Select(b => Convert.ToHexString(b!)).Distinct().Count());
        EchoOnce(context, port, Peer() with { Key = "another" }, s => Assert.False(s.Resumed));
        EchoOnce(Context(), port, Peer(), s => Assert.False(s.Resumed)); // what others trust is not inherited
    }

    [Fact]
    public void BindsChannelsAsTheServerDoes()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        byte[]? unique = null;
        TlsServer old = Serve(leaf, s =>
        {
            unique = Binding(s.TransportContext, ChannelBindingKind.Unique);
            TlsServer.Echo(s);
        }, SslProtocols.Tls12);
        byte[] hash = SHA256.HashData(leaf.RawData);
        TlsContext context = Context();
        for (int i = 0; i < 2; i++) // the second one is resumed
            EchoOnce(context, old.Port, Peer(), s =>
            {
                Assert.Equal(i == 1, s.Resumed);
                Assert.Equal(unique, s.ChannelBinding("tls-unique"));
                Assert.Equal(hash, s.ChannelBinding("tls-server-end-point"));
                Assert.Equal(32, s.ChannelBinding("tls-exporter")!.Length);
            });
        EchoOnce(context, Serve(leaf, protocols: SslProtocols.Tls13).Port, Peer() with { Key = "modern" }, s =>
        {
            Assert.Null(s.ChannelBinding("tls-unique"));
            Assert.Equal(hash, s.ChannelBinding("tls-server-end-point"));
            Assert.Equal(32, s.ChannelBinding("tls-exporter")!.Length);
            Assert.Null(s.ChannelBinding("tls-nonsense"));
        });
    }

    private static byte[] Binding(TransportContext transport, ChannelBindingKind kind)
    {
        using ChannelBinding binding = transport.GetChannelBinding(kind)!;
        byte[] all = new byte[binding.Size];
        System.Runtime.InteropServices.Marshal.Copy(binding.DangerousGetHandle(), all, 0, all.Length);
        const int HeaderSize = 32; // of SEC_CHANNEL_BINDINGS; then "tls-unique:"
        return all[(HeaderSize + "tls-unique:".Length)..];
    }

    [Fact]
    public void AStallingHandshakeEnds()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        long begun = Environment.TickCount64;
        Assert.Equal("the server did not finish the TLS handshake in time",
            Refused(Context(), ((IPEndPoint)silent.LocalEndpoint).Port, Peer(), 300));
        Assert.InRange(Environment.TickCount64 - begun, 250, 30_000);
    }

    [Theory]
    [InlineData("", "the server closed the connection")]
    [InlineData("454 not TLS at all\r\n", "wrong version number")]
    public void ABrokenHandshakeIsExplained(string said, string reason)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Aside.Run(() =>
        {
            using Socket socket = listener.AcceptSocket();
            _ = socket.Receive(new byte[4000]);
            socket.Send(System.Text.Encoding.ASCII.GetBytes(said));
        });
        Assert.Equal(reason, Refused(Context(), ((IPEndPoint)listener.LocalEndpoint).Port, Peer()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnEndIsAnEndWithAndWithoutFarewell(bool farewell)
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        int port = Serve(leaf, s =>
        {
            s.Write("bye"u8);
            s.Flush();
            if (farewell) s.ShutdownAsync().Wait();
        }).Port;
        int fd = Connect(port);
        using TlsStream stream = TlsStream.Connect(Context(), fd, Peer(), Sockets.In(5000));
        byte[] buffer = new byte[10];
        Assert.Equal(3, stream.Receive(buffer, Sockets.In(5000)));
        Assert.Equal(0, stream.Receive(buffer, Sockets.In(5000)));
        stream.Dispose();
        _ = Files.Close(fd);
    }

    [Fact]
    public void WaitsHaveAnEnd()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        using ManualResetEventSlim over = new();
        int port = Serve(leaf, _ => over.Wait()).Port;
        int fd = Connect(port);
        using (TlsStream stream = TlsStream.Connect(Context(), fd, Peer(), Sockets.In(5000)))
        {
            Assert.Equal(-Errno.ETIMEDOUT, stream.Receive(new byte[10], Sockets.In(100)));
            byte[] much = new byte[1 << 20];
            int r;
            do r = stream.SendAll(much, Sockets.In(60_000), 200); // nobody reads
            while (r == 0);
            Assert.Equal(-Errno.ETIMEDOUT, r);
        }
        over.Set();
        _ = Files.Close(fd);
    }

    [Fact]
    public void TellsQuietFromSpeech()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        using SemaphoreSlim speak = new(0), spoken = new(0);
        int port = Serve(leaf, s =>
        {
            speak.Wait();
            s.Write("x"u8);
            s.Flush();
            spoken.Release();
            speak.Wait();
        }).Port;
        int fd = Connect(port);
        using (TlsStream stream = TlsStream.Connect(Context(), fd, Peer(), Sockets.In(5000)))
        {
            Assert.True(Poll.WaitFor(fd, false, 5000)); // the tickets of TLS 1.3
            Assert.True(stream.IsQuiet);
            speak.Release();
            spoken.Wait();
            Assert.True(Poll.WaitFor(fd, false, 5000));
            Assert.False(stream.IsQuiet);
            byte[] buffer = new byte[5];
            Assert.Equal(1, stream.Receive(buffer, Sockets.In(5000)));
            Assert.True(stream.IsQuiet);
            speak.Release();
            Assert.True(Poll.WaitFor(fd, false, 5000));
            Assert.False(stream.IsQuiet);
        }
        _ = Files.Close(fd);
    }

    [Fact]
    public void LargeDataArrivesWhole()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        int fd = Connect(Serve(leaf).Port);
        using TlsStream stream = TlsStream.Connect(Context(), fd, Peer(), Sockets.In(5000));
        byte[] sent = RandomNumberGenerator.GetBytes(100_000), received = new byte[sent.Length];
        Assert.Equal(0, stream.SendAll(sent, Sockets.In(5000), 5000));
        for (int n = 0; n < received.Length;)
        {
            int r = stream.Receive(received.AsSpan(n), Sockets.In(5000));
            Assert.True(r > 0);
            n += r;
        }
        Assert.Equal(sent, received);
        stream.Dispose();
        _ = Files.Close(fd);
    }

    // usage, selector, matching type, which certificate's data, whether it fits
    [Theory]
    [InlineData(3, 1, 1, "leaf", true)]
    [InlineData(3, 0, 2, "leaf", true)]
    [InlineData(3, 0, 0, "leaf", true)]
    [InlineData(3, 1, 1, "other", false)]
    [InlineData(2, 0, 0, "authority", true)]
    [InlineData(2, 0, 0, "other", false)]
    public void DaneDecides(int usage, int selector, int matching, string which, bool fits)
    {
        using X509Certificate2 leaf = authority.Leaf(Host, expired: usage == 3), other = authority.Leaf(Host);
        X509Certificate2 meant = which switch { "leaf" => leaf, "other" => other, _ => authority.Certificate };
        byte[] data = selector == 0 ? meant.RawData : meant.PublicKey.ExportSubjectPublicKeyInfo();
        data = matching switch { 1 => SHA256.HashData(data), 2 => SHA512.HashData(data), _ => data };
        TlsPeer peer = Peer() with { Records = [new DaneRecord((byte)usage, (byte)selector, (byte)matching, data)] };
        int port = Serve(leaf).Port;
        if (fits) EchoOnce(Context(TlsTrust.Dane), port, peer);
        else Assert.StartsWith("certificate verify failed: ", Refused(Context(TlsTrust.Dane), port, peer));
    }

    [Fact]
    public void DaneByAnAuthorityAsksForTheNameToo()
    {
        using X509Certificate2 leaf = authority.Leaf("other.test");
        TlsPeer peer = Peer() with { Records = [new DaneRecord(2, 0, 0, authority.Certificate.RawData)] };
        int port = Serve(leaf).Port;
        Assert.StartsWith("certificate verify failed: ", Refused(Context(TlsTrust.Dane), port, peer));
        EchoOnce(Context(TlsTrust.Dane), port, peer with { OtherName = "other.test" });
        // and not where the DNS names the key itself
        TlsPeer own = Peer() with { Records = [new DaneRecord(3, 0, 1, SHA256.HashData(leaf.RawData))] };
        EchoOnce(Context(TlsTrust.Dane), port, own);
    }

    [Fact]
    public void UselessRecordsDoNotAuthenticateAnybody()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        DaneRecord[] useless = [new(1, 1, 1, new byte[32]), new(3, 1, 9, new byte[32]), new(3, 1, 1, new byte[31])];
        Assert.All(useless, r => Assert.False(r.IsUsable));
        Assert.Equal("none of the server's TLSA records can be used",
            Refused(Context(TlsTrust.Dane), Serve(leaf).Port, Peer() with { Records = useless }));
    }

    [Fact]
    public void ManyThreadsShareAContext()
    {
        using X509Certificate2 leaf = authority.Leaf(Host);
        int port = Serve(leaf).Port, resumed = 0;
        TlsContexts contexts = new();
        List<Exception> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, 50).Select(_ => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 4; i++)
                {
                    TlsContext context = contexts.Get(new TlsSettings(), TlsTrust.Authorities, [authority.CertificateFile], false);
                    EchoOnce(context, port, Peer(), s =>
                    {
                        if (s.Resumed) Interlocked.Increment(ref resumed);
                    });
                    if (i == 1) context.Drop("k");
                }
            }
            catch (Exception e)
            {
                lock (failures) failures.Add(e);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(failures);
        Assert.True(resumed > 50, $"{resumed} of 200 resumed");
    }

    [Fact]
    public void ContextsFollowTheirFiles()
    {
        TlsContexts contexts = new();
        TlsContext Get(TlsSettings settings) => contexts.Get(settings, TlsTrust.Authorities, [authority.CertificateFile], false);
        TlsSettings settings = new();
        TlsContext first = Get(settings);
        Assert.Same(first, Get(new TlsSettings()));
        Assert.NotSame(first, Get(new TlsSettings { CipherList = "HIGH" }));
        TlsContext second = Get(settings);
        System.IO.File.AppendAllText(authority.CertificateFile, "\n");
        Assert.NotSame(second, Get(settings));
    }
}
