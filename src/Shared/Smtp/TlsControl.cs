// The control files about TLS: those of clients and servers differ in a word of their names, and mean the same.
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>Reads what both sides have.</summary>
public static class TlsControl
{
    /// <summary>
    /// Versions and ciphers of one side: tlsclientmethod, clientcipherlist and clientciphersuite, or the same with
    /// "server" in their names. TLS_CIPHER_LIST and TLS_CIPHER_SUITE come before the files.
    /// </summary>
    /// <param name="side">"client" or "server".</param>
    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    public static TlsSettings Channel(ControlFiles control, string side)
    {
        TlsSettings settings = new()
        {
            CipherList = ValueOr("TLS_CIPHER_LIST", control, side + "cipherlist"),
            CipherSuites = ValueOr("TLS_CIPHER_SUITE", control, side + "ciphersuite"),
        };
        string file = "tls" + side + "method";
        if (control.Line(file) is not string method) return settings;
        try
        {
            return settings.WithMethod(method);
        }
        catch (FormatException e)
        {
            throw new FormatException(control.PathOf(file) + " holds " + e.Message);
        }
    }

    private static string? ValueOr(string variable, ControlFiles control, string file)
    {
        string? value = Variables.Get(variable);
        return string.IsNullOrEmpty(value) ? control.Line(file) : value;
    }
}
