// The environment of the programs that a .qmail file runs (qmail-command(8)), and of the queue program for forwards.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>
/// What programs can learn about the message and its recipient. Nothing is set in this process itself: it may have
/// other deliveries to do after this one.
/// </summary>
internal sealed class DeliveryVariables
{
    // Without these a program that sends mail would not find the queue of this mail system.
    private static readonly string[] AlwaysKept = ["MESSID", "QUEUEDIR", "CONFSPLIT", "BIGTODO", "CONTROLDIR"];

    private readonly Delivery delivery;
    private readonly long now;
    private Dictionary<string, string>? ofPrograms;

    /// <param name="now">Seconds since 1970, for the From line.</param>
    internal DeliveryVariables(Delivery delivery, long now)
    {
        this.delivery = delivery;
        this.now = now;
    }

    /// <summary>The environment of the queue program, "NAME=value".</summary>
    internal List<string> OfQueueProgram
    {
        get
        {
            Dictionary<string, string> variables = Inherited(null);
            Describe(variables);
            // The extra header goes into the message itself; as a variable it would be added a second time.
            variables.Remove("QQEH");
            return List(variables);
        }
    }

    /// <summary>The environment of the programs of program lines, "NAME=value".</summary>
    internal List<string> OfPrograms => List(Programs);

    /// <summary>Adds the variables of a directory for the programs that are run after this.</summary>
    /// <exception cref="DeliveryFailure">The directory cannot be read.</exception>
    internal void Add(string directory)
    {
        try
        {
            foreach ((string name, string? value) in EnvironmentDirectory.Read(directory))
                if (value == null) Programs.Remove(name);
                else Programs[name] = value;
        }
        catch (Exception failure) when (failure is PosixException or FormatException)
        {
            throw DeliveryFailure.TryLater("Uh-oh: " + failure.Message + ". (#4.3.0)");
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

    private Dictionary<string, string> Programs
    {
        get
        {
            if (ofPrograms != null) return ofPrograms;
            ofPrograms = Inherited(Variables.Get("SANITIZE_ENV"));
            Describe(ofPrograms);
            return ofPrograms;
        }
    }

    /// <param name="keep">Null: everything; else the names to keep, separated by colons.</param>
    private static Dictionary<string, string> Inherited(string? keep)
    {
        Dictionary<string, string> variables = [];
        List<string>? kept = keep == null ? null : [.. AlwaysKept, .. keep.Split(':')];
        foreach (string variable in Variables.All())
        {
            int equals = variable.IndexOf('=');
            if (equals <= 0) continue;
            string name = variable[..equals];
            if (kept == null || kept.Contains(name)) variables.TryAdd(name, variable[(equals + 1)..]);
        }
        return variables;
    }

    private void Describe(Dictionary<string, string> variables)
    {
        variables["USER"] = delivery.User;
        variables["HOME"] = delivery.Home;
        variables["LOCAL"] = delivery.Local;
        variables["HOST"] = delivery.Host;
        variables["RECIPIENT"] = delivery.Recipient;
        variables["SENDER"] = delivery.Sender;
        variables["NEWSENDER"] = delivery.NewSender;
        variables["DTLINE"] = delivery.DeliveredTo;
        variables["RPLINE"] = delivery.ReturnPath;
        variables["UFLINE"] = delivery.FromLine(now);
        variables["QQEH"] = delivery.ExtraHeader;
        if (delivery.Default == null) variables.Remove("DEFAULT");
        else variables["DEFAULT"] = delivery.Default;
        if (delivery.MessageName.Length > 0) variables["MESSID"] = delivery.MessageName;
        string host = delivery.Host;
        string ext = delivery.Ext;
        variables["EXT"] = ext;
        for (char n = '2'; n <= '4'; n++)
        {
            variables["HOST" + n] = host = BeforeLastDot(host);
            variables["EXT" + n] = ext = AfterFirstDash(ext);
        }
    }

    private static List<string> List(Dictionary<string, string> variables)
    {
        List<string> list = new(variables.Count);
        foreach ((string name, string value) in variables) list.Add(name + "=" + value);
        return list;
    }
}
