// The environment of the programs that a .qmail file runs (qmail-command(8)).
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Sets what a delivery program can learn about the message and its recipient.</summary>
internal static class DeliveryVariables
{
    /// <summary>Sets the variables in this process's own environment, which everything it starts inherits.</summary>
    /// <param name="now">Seconds since 1970, for the From line.</param>
    internal static void Set(Delivery delivery, long now)
    {
        Variables.Set("USER", delivery.User);
        Variables.Set("HOME", delivery.Home);
        Variables.Set("LOCAL", delivery.Local);
        Variables.Set("HOST", delivery.Host);
        Variables.Set("RECIPIENT", delivery.Recipient);
        Variables.Set("SENDER", delivery.Sender);
        Variables.Set("NEWSENDER", delivery.Sender);
        Variables.Set("DTLINE", delivery.DeliveredTo);
        Variables.Set("RPLINE", delivery.ReturnPath);
        Variables.Set("UFLINE", delivery.FromLine(now));
        Variables.Set("DEFAULT", null);
        string host = delivery.Host;
        string ext = delivery.Ext;
        Variables.Set("EXT", ext);
        for (char n = '2'; n <= '4'; n++)
        {
            Variables.Set("HOST" + n, host = BeforeLastDot(host));
            Variables.Set("EXT" + n, ext = AfterFirstDash(ext));
        }
    }

    /// <summary>The part before the last dot; all of it when there is no dot.</summary>
    internal static string BeforeLastDot(string host)
    {
        int dot = host.LastIndexOf('.');
        return dot < 0 ? host : host[..dot];
    }

    /// <summary>The part after the first dash; empty when there is no dash.</summary>
    internal static string AfterFirstDash(string ext)
    {
        int dash = ext.IndexOf('-');
        return dash < 0 ? "" : ext[(dash + 1)..];
    }
}
