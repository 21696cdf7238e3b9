// Running an injection command: the failure it may end in becomes a sentence on standard error and an exit code.
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Inject;

/// <summary>What the calling conventions have in common.</summary>
internal static class Command
{
    /// <summary>Runs a command; returns its exit code.</summary>
    /// <param name="program">Its name, for messages.</param>
    /// <param name="exitCode">The exit code for a failure.</param>
    /// <param name="run">What it does.</param>
    internal static int Run(string program, Func<Failure, int> exitCode, Action run)
    {
        try
        {
            MailEnvironment.Apply(program, rootToo: true);
            run();
            return 0;
        }
        catch (InjectException failure)
        {
            return Fail(failure.Failure, failure.Message);
        }
        catch (PosixException failure)
        {
            return Fail(Failure.Temporary, failure.Message);
        }
        catch (TlsException failure)
        {
            return Fail(Failure.Temporary, failure.Message);
        }
        catch (FormatException failure)
        {
            return Fail(Failure.Configuration, failure.Message);
        }
        catch (OutOfMemoryException)
        {
            return Fail(Failure.Temporary, "out of memory");
        }

        int Fail(Failure kind, string sentence)
        {
            Standard.Error(program + ": fatal: " + sentence);
            return exitCode(kind);
        }
    }

    /// <summary>Injects the message on standard input.</summary>
    /// <param name="submission">Its envelope and options.</param>
    /// <param name="noInput">Whether standard input was closed when the program started.</param>
    internal static void Inject(Submission submission, bool noInput)
    {
        if (noInput) throw new InjectException(Failure.NoInput, "standard input is closed: there is no message to send");
        if (!submission.UsesHeader && submission.Recipients.Count == 0)
            throw new InjectException(Failure.Usage, "no recipients: name them on the command line or have them read from the header");
        Injection.Run(submission);
    }

    /// <summary>The version, as --version prints it.</summary>
    internal static string Version(string program) => program + " (qmta) " + Programs.Version + "\n";
}
