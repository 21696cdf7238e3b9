// The words after the relay in a route: user and password, or where they are to be found, and settings of this route.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Remote;

/// <summary>
/// What a route says about logging in: "user password", or "/s", "/r" or "/name" for a line of remote_auth, and then
/// settings, NAME=value with spaces or commas between. It has no text form, so that no message shows a password.
/// </summary>
internal sealed class RouteLogin
{
    /// <summary>The setting that lets user and password travel without TLS or to a server that is not verified.</summary>
    internal const string WithoutTls = "AUTH_WITHOUT_TLS";

    private static readonly string[] KnownSettings = [WithoutTls, "AUTH_SMTP", "SALTED_PASSWORD", "SECURE_AUTH"];

    private readonly string user, password;
    private readonly string? reference;
    private readonly Dictionary<string, string> settings = [];

    private RouteLogin(string user, string password, string? reference)
    {
        this.user = user;
        this.password = password;
        this.reference = reference;
    }

    /// <summary>Whether the route itself holds a password.</summary>
    internal bool HasPassword => reference == null;

    /// <summary>Cuts the words off a route; null when there are none.</summary>
    /// <param name="route">What follows "domain:"; what comes before the first blank is left of it.</param>
    /// <exception cref="FormatException">
    /// They make no sense; the message goes on after "the route for ..." and holds no secrets.
    /// </exception>
    internal static RouteLogin? Cut(ref string route)
    {
        int blank = route.AsSpan().IndexOfAny(' ', '\t');
        if (blank < 0) return null;
        string[] words = Words(route[blank..]);
        route = route[..blank];
        return words.Length == 0 ? null : From(words, mayRefer: true);
    }

    /// <summary>The login that a line of remote_auth holds: user, password and settings.</summary>
    /// <exception cref="FormatException">It makes no sense; the message holds no secrets.</exception>
    internal static RouteLogin FromLine(string line) => From(Words(line), mayRefer: false);

    private static RouteLogin From(string[] words, bool mayRefer)
    {
        bool refers = mayRefer && words[0].StartsWith('/');
        if (!refers && words.Length < 2) throw new FormatException("has a user without a password");
        RouteLogin login = refers ? new RouteLogin("", "", words[0][1..]) : new RouteLogin(words[0], words[1], null);
        for (int i = refers ? 1 : 2; i < words.Length; i++)
        {
            foreach (string setting in words[i].Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                int equals = setting.IndexOf('=');
                // What stands here may be the rest of a password with a space in it: it is not shown.
                if (equals < 0 || !IsKnown(setting[..equals]))
                    throw new FormatException("has something after the password that is no setting of a route");
                login.settings[setting[..equals]] = setting[(equals + 1)..];
            }
        }
        return login;
    }

    /// <summary>User, password and settings for one delivery.</summary>
    /// <param name="auth">Where references point to.</param>
    /// <param name="relay">The relay's name, as the route has it.</param>
    /// <exception cref="FormatException">There are none, or they cannot be used; the message is a sentence's part.</exception>
    /// <exception cref="PosixException">A file cannot be read.</exception>
    internal Login Resolve(RemoteAuth auth, string relay, string sender, string recipient)
    {
        if (relay.Length == 0) throw new FormatException("a route has a password but no relay to use it with");
        RouteLogin found = this;
        if (reference != null)
        {
            string name = reference switch { "s" => sender, "r" => recipient, _ => reference };
            found = auth.Find(name);
        }
        string? Setting(string name) => found.settings.GetValueOrDefault(name) ?? settings.GetValueOrDefault(name)
            ?? Variables.Get(name);

        Credentials credentials = new(found.user, found.password, Setting("SALTED_PASSWORD") != null);
        bool withoutTls = Setting(WithoutTls) is string allowed && allowed is not ("" or "0");
        string host = relay.StartsWith('[') ? relay[1..^1] : relay;
        return new Login(credentials, host, withoutTls, secure => SaslPolicy.Read(Setting, clearAllowed: secure || withoutTls),
            Setting("AUTH_SMTP") ?? "");
    }

    private static bool IsKnown(string setting) =>
        Array.IndexOf(KnownSettings, setting) >= 0 || setting.StartsWith("DISABLE_", StringComparison.Ordinal);

    private static string[] Words(string text) => text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
}
