using System;
using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Tls;
using Xunit;

namespace Qmta.Tests.Tls;

public class DigestsTests
{
    // The examples of the digests' own specifications: RFC 1321, FIPS 180-4, and the RIPEMD-160 paper.
    [Theory]
    [InlineData("MD5", "900150983CD24FB0D6963F7D28E17F72")]
    [InlineData("SHA1", "A9993E364706816ABA3E25717850C26C9CD0D89D")]
    [InlineData("SHA224", "23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7")]
    [InlineData("SHA256", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    [InlineData("RIPEMD160", "8EB208F7E05D987A9B044A8E98C6B087F15A0BFC")]
    public void HashesAbc(string name, string hash)
    {
        Assert.True(Digests.IsAvailable(name));
        Assert.Equal(hash, Convert.ToHexString(Digests.Hash(name, "abc"u8)));
    }

    [Fact]
    public void AgreesWithTheFramework() => Prop.ForAll<byte[], byte[]>((key, data) =>
    {
        Assert.Equal(SHA384.HashData(data), Digests.Hash("SHA384", data));
        Assert.Equal(SHA512.HashData(data), Digests.Hash("SHA512", data));
        Assert.Equal(HMACSHA512.HashData(key, data), Digests.Hmac("SHA512", key, data));
        Assert.Equal(HMACSHA256.HashData(key, data), Digests.Hmac("SHA256", key, data));
        Assert.Equal(Rfc2898DeriveBytes.Pbkdf2(key, data, 3, HashAlgorithmName.SHA256, 40),
            Digests.Pbkdf2("SHA256", key, data, 3, 40));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void DerivesKeysAsRfc6070Says() => Assert.Equal("4B007901B765489ABEAD49D926F721D065A429C1",
        Convert.ToHexString(Digests.Pbkdf2("SHA1", "password"u8, "salt"u8, 4096, 20)));

    [Fact]
    public void KeyedMd5AsRfc2202Says() => Assert.Equal("750C783E6AB0B503EAA86E310A5DB738",
        Convert.ToHexString(Digests.Hmac("MD5", "Jefe"u8, "what do ya want for nothing?"u8)));

    [Fact]
    public void LongKeysAreHashedFirst()
    {
        byte[] key = Encoding.ASCII.GetBytes(new string('k', 1000));
        Assert.Equal(HMACSHA256.HashData(key, "x"u8), Digests.Hmac("SHA256", key, "x"u8));
    }

    [Fact]
    public void AnUnknownDigestIsNamed()
    {
        Assert.False(Digests.IsAvailable("ROT13"));
        TlsException e = Assert.Throws<TlsException>(() => Digests.Hash("ROT13", "abc"u8));
        Assert.Equal("OpenSSL cannot compute ROT13: unsupported", e.Message);
    }

    [Fact]
    public void RandomBytesDiffer()
    {
        byte[] a = new byte[32], b = new byte[32];
        Digests.Random(a);
        Digests.Random(b);
        Assert.NotEqual(a, b);
        Digests.Random([]);
    }
}
