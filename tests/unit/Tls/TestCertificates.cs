// Certificates for tests: an authority, and leaves good and bad in every way that matters.
using System;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Qmta.Tests.Tls;

/// <summary>A directory with an authority's certificate, removed at the end.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 certificate;
    private int serial;

    internal TestAuthority()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("qmta-tls").FullName;
        CertificateRequest request = new("CN=Authority of " + Path.GetFileName(Directory), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(2));
        File.WriteAllText(PathOf("ca.pem"), certificate.ExportCertificatePem());
    }

    internal string Directory { get; }

    /// <summary>The authority's certificate as a file.</summary>
    internal string CertificateFile => PathOf("ca.pem");

    internal X509Certificate2 Certificate => certificate;

    internal string PathOf(string name) => Path.Combine(Directory, name);

    /// <summary>A certificate with its key.</summary>
    /// <param name="expired">Whether its time is over.</param>
    /// <param name="selfSigned">Whether it vouches for itself, instead of the authority for it.</param>
    /// <param name="commonName">Its common name; the name itself unless given.</param>
    /// <param name="withNames">Whether it has subject alternative names.</param>
    /// <param name="mailbox">A mail address among those names.</param>
    internal X509Certificate2 Leaf(string name, bool expired = false, bool selfSigned = false, string? commonName = null,
        bool withNames = true, string? mailbox = null)
    {
        using ECDsa own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=" + (commonName ?? name), own, HashAlgorithmName.SHA256);
        if (withNames)
        {
            SubjectAlternativeNameBuilder names = new();
            if (IPAddress.TryParse(name, out IPAddress? address)) names.AddIpAddress(address);
            else names.AddDnsName(name);
            if (mailbox != null) names.AddEmailAddress(mailbox);
            request.CertificateExtensions.Add(names.Build());
        }
        DateTimeOffset from = DateTimeOffset.UtcNow.AddYears(-1);
        DateTimeOffset to = expired ? DateTimeOffset.UtcNow.AddDays(-1) : DateTimeOffset.UtcNow.AddYears(1);
        if (selfSigned) return WithKey(request.CreateSelfSigned(from, to));
        using X509Certificate2 leaf = request.Create(certificate, from, to, [1, (byte)++serial]);
        return WithKey(leaf.CopyWithPrivateKey(own));
    }

    /// <summary>Writes a certificate and its key into a file as clientcert.pem has them.</summary>
    internal string Write(string name, X509Certificate2 leaf)
    {
        using ECDsa own = leaf.GetECDsaPrivateKey()!;
        File.WriteAllText(PathOf(name), leaf.ExportCertificatePem() + "\n" + own.ExportPkcs8PrivateKeyPem() + "\n");
        return PathOf(name);
    }

    /// <summary>Writes a revocation list with these certificates in it.</summary>
    internal string WriteRevocations(string name, params X509Certificate2[] revoked)
    {
        CertificateRevocationListBuilder builder = new();
        foreach (X509Certificate2 one in revoked) builder.AddEntry(one);
        byte[] list = builder.Build(certificate, 1, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
        File.WriteAllText(PathOf(name), PemEncoding.WriteString("X509 CRL", list) + "\n");
        return PathOf(name);
    }

    public void Dispose()
    {
        certificate.Dispose();
        key.Dispose();
        System.IO.Directory.Delete(Directory, true);
    }

    // A key that the server's TLS can use has to come out of a key store.
    private static X509Certificate2 WithKey(X509Certificate2 leaf)
    {
        using (leaf) return X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), null);
    }
}
