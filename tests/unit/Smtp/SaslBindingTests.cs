using System;
using System.IO;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Authentication.ExtendedProtection;
using System.Text;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Tests.Sink;
using Qmta.Tests.Tls;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Smtp;

/// <summary>Log-ins that are bound to the TLS connection they happen in.</summary>
public sealed class SaslBindingTests : IDisposable
{
    private readonly TestAuthority authority = new();

    public void Dispose() => authority.Dispose();

    [Theory]
    [InlineData("SCRAM-SHA-256-PLUS,SCRAM-SHA-256,PLAIN", false, "SCRAM-SHA-256-PLUS", SmtpAuthStatus.Done)]
    [InlineData("SCRAM-SHA-1-PLUS,PLAIN", false, "SCRAM-SHA-1-PLUS", SmtpAuthStatus.Done)]
    // The server sees another TLS connection than the client: somebody is in the middle, and must learn nothing.
    [InlineData("SCRAM-SHA-256-PLUS,SCRAM-SHA-256,PLAIN", true, "SCRAM-SHA-256-PLUS", SmtpAuthStatus.Failed)]
    [InlineData("SCRAM-SHA-256,PLAIN", false, "SCRAM-SHA-256", SmtpAuthStatus.Done)]
    public void BindsTheLogInToTheChannel(string mechanisms, bool inTheMiddle, string used, SmtpAuthStatus status)
    {
        SaslServer sasl = SaslServer.Parse("joe:Secr3t:" + mechanisms);
        using TlsServer server = new(authority.Leaf("mail.example"), s => Serve(s, sasl, inTheMiddle), SslProtocols.Tls12);
        using TlsContext context = TlsContext.Create(new TlsSettings(), TlsTrust.Authorities, [authority.CertificateFile], false);
        SmtpBuffers buffers = new();
        using Connection connection = Connection.Open(IpAddress.LoopbackV4, server.Port, null, Sockets.In(5000),
            buffers.Received, out _)!;
        connection.Secure(context, new TlsPeer("mail.example", false, "key"), Sockets.In(5000));
        SmtpConversation conversation = new(connection, buffers);
        Assert.Equal(220, conversation.Greeting().Code);
        Assert.True(conversation.Hello("me.test").IsPositive);
        SaslChannel channel = SaslChannel.Of(connection);
        Assert.Equal("tls-unique", channel.BindingType);
        SmtpAuthOutcome outcome = conversation.Authenticate(new Credentials("joe", "Secr3t"),
            SaslPolicy.Read(_ => null, clearAllowed: false), channel, "mail.example");
        Assert.Equal((used, status), (outcome.Mechanism, outcome.Status));
    }

    [Fact]
    public void ModernChannelsBindByExporter()
    {
        using TlsServer server = new(authority.Leaf("mail.example"), TlsServer.Echo, SslProtocols.Tls13);
        using TlsContext context = TlsContext.Create(new TlsSettings(), TlsTrust.Authorities, [authority.CertificateFile], false);
        using Connection connection = Connection.Open(IpAddress.LoopbackV4, server.Port, null, Sockets.In(5000),
            new SmtpBuffers().Received, out _)!;
        Assert.False(SaslChannel.Of(connection).Encrypted);
        connection.Secure(context, new TlsPeer("mail.example", false, "key"), Sockets.In(5000));
        SaslChannel channel = SaslChannel.Of(connection);
        Assert.Equal(("tls-exporter", 32, true), (channel.BindingType, channel.Binding.Length, channel.Encrypted));
    }

    private static void Serve(SslStream stream, SaslServer sasl, bool inTheMiddle)
    {
        byte[] binding = Binding(stream);
        if (inTheMiddle) binding[0] ^= 1;
        using StreamReader reader = new(stream, Encoding.Latin1, leaveOpen: true);
        void Say(string text) => stream.Write(Encoding.Latin1.GetBytes(text + "\r\n"));
        Say("220 x");
        while (reader.ReadLine() is string line)
        {
            string[] words = line.Split(' ');
            if (words[0] == "EHLO") Say("250-x\r\n250 AUTH " + string.Join(' ', sasl.Mechanisms));
            else if (words[0] == "AUTH")
                Say(sasl.Run(words[1], Convert.FromBase64String(words[2]), challenge =>
                {
                    Say("334 " + Convert.ToBase64String(challenge));
                    return Convert.FromBase64String(reader.ReadLine() ?? "");
                }, binding));
            else Say("500 what?");
        }
    }

    private static byte[] Binding(SslStream stream)
    {
        using ChannelBinding binding = stream.TransportContext.GetChannelBinding(ChannelBindingKind.Unique)!;
        byte[] all = new byte[binding.Size];
        Marshal.Copy(binding.DangerousGetHandle(), all, 0, all.Length);
        const int headerSize = 32; // of SEC_CHANNEL_BINDINGS; then "tls-unique:"
        return all[(headerSize + "tls-unique:".Length)..];
    }
}
