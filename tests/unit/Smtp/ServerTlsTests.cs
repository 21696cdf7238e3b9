using System;
using System.IO;
using System.Security.Cryptography.X509Certificates;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Tests.Tls;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Smtp;

public sealed class ServerTlsTests : IDisposable
{
    private readonly TestAuthority authority = new();

    public ServerTlsTests()
    {
        Directory.CreateDirectory(authority.PathOf("control"));
        using X509Certificate2 leaf = authority.Leaf("mx.test");
        Assert.Equal(0, Files.ChangeMode(authority.Write("servercert.pem", leaf), 0x180));
    }

    public void Dispose() => authority.Dispose();

    private void Control(string name, string text) => File.WriteAllText(authority.PathOf("control/" + name), text);

    private ServerTls Read() =>
        ServerTls.Read(new ControlFiles(authority.PathOf("control")), new CertificateFiles(authority.Directory));

    private void Converse(ServerTls tls, string? clientCertificate, Action<TlsStream> look)
    {
        TlsServerContext? context = tls.Contexts.Current(out string? complaint);
        Assert.Null(complaint);
        using TlsContext clients = TlsContext.Create(new TlsSettings { CertificateFile = clientCertificate }, TlsTrust.Authorities,
            [authority.CertificateFile], false);
        TlsPair.Converse(context!, clients, (_, server) => look(server));
    }

    [Fact]
    public void NothingButACertificateIsNeeded()
    {
        ServerTls tls = Read();
        Assert.True(tls.HasCertificate);
        Converse(tls, null, server =>
        {
            Assert.Equal("TLSv1.3", server.Version);
            Assert.Null(tls.RelayingClient(server));
        });
        File.Delete(authority.PathOf("servercert.pem"));
        Assert.False(tls.HasCertificate);
    }

    [Fact]
    public void ControlFilesChooseVersionsAndCiphers()
    {
        Control("tlsservermethod", "TLSv1_2:TLSv1_2\n");
        Control("servercipherlist", "ECDHE-ECDSA-CHACHA20-POLY1305\n");
        Converse(Read(), null, server => Assert.Equal("TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305 bits=256", server.Facts));
        File.Delete(authority.PathOf("control/tlsservermethod"));
        Control("serverciphersuite", "TLS_AES_128_GCM_SHA256\n");
        Converse(Read(), null, server => Assert.Equal("TLSv1.3 TLS_AES_128_GCM_SHA256 bits=128", server.Facts));
    }

    [Fact]
    public void NonsenseIsNamed()
    {
        Control("tlsservermethod", "TLSv7\n");
        Assert.Equal(authority.PathOf("control/tlsservermethod") + " holds not a version of TLS, nor a range of versions: TLSv7",
            Assert.Throws<FormatException>(Read).Message);
    }

    // the address in the certificate, tlsclients, whether there is clientca.pem, who may relay
    [Theory]
    [InlineData("joe@client.test", "Joe@Client.test\n", true, "joe@client.test")]
    [InlineData("joe@client.test", "other@client.test\n", true, null)]
    [InlineData("joe@client.test", null, true, null)]
    [InlineData("joe@client.test", "joe@client.test\n", false, null)]
    [InlineData(null, "joe@client.test\n", true, null)]
    public void CertificatesLetListedClientsRelay(string? address, string? clients, bool authorities, string? relaying)
    {
        if (clients != null) Control("tlsclients", clients);
        if (authorities) File.Copy(authority.CertificateFile, authority.PathOf("clientca.pem"));
        using X509Certificate2 leaf = authority.Leaf("client.test", mailbox: address);
        ServerTls tls = Read();
        Converse(tls, authority.Write("client.pem", leaf), server => Assert.Equal(relaying, tls.RelayingClient(server)));
    }

    [Fact]
    public void ParametersOfTheUsualLengthAreTaken()
    {
        File.WriteAllText(authority.PathOf("dh2048.pem"), "nonsense");
        Assert.Null(Read().Contexts.Current(out string? complaint));
        Assert.StartsWith("unable to use the Diffie-Hellman parameters in " + authority.PathOf("dh2048.pem"), complaint);
    }
}
