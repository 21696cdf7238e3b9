// qmail-tcpto(8) and qmail-tcpok(8): show, and forget, which hosts could not be reached lately.
using System.CommandLine;
using System.Text;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

internal static class TcpTimeoutCommands
{
    internal static Command List()
    {
        Command command = new("qmail-tcpto", "Shows the addresses that could not be reached, and since when.");
        command.Aliases.Add("tcpto");
        command.SetAction(_ => Tool.Run("qmail-tcpto", () =>
        {
            StringBuilder text = new();
            long now = Clocks.Realtime;
            foreach (TcpTimeout failed in new TcpTimeouts(QueueLayout.FromEnvironment().TcpTo).All())
                text.Append(failed.Address).Append(" timed out ").Append(now - failed.When)
                    .Append(" seconds ago; # recent timeouts: ").Append(failed.Count).Append('\n');
            return Standard.Output(text.ToString()) ? 0 : 111;
        }));
        return command;
    }

    internal static Command Clear()
    {
        Command command = new("qmail-tcpok", "Forgets which addresses could not be reached: they are tried again.");
        command.Aliases.Add("tcpok");
        command.SetAction(_ => Tool.Run("qmail-tcpok", () =>
        {
            new TcpTimeouts(QueueLayout.FromEnvironment().TcpTo).Clear();
            return 0;
        }));
        return command;
    }
}
