// Messages that appear in their Maildirs together, so that they wait for the disk together: one fsync where the filesystem
// keeps an order (OrderedFilesystem), else one for each message and one for each directory.
//
// In every case a message's contents are written before its name is in new, and all is on stable storage before anybody is
// told that it was delivered; or, where the same journal will have the removal of another copy, before that is.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Mailbox;

/// <summary>Complete messages that are not yet delivered.</summary>
public sealed class MaildirBatch
{
    private readonly List<MaildirFile> files = [];
    private readonly Dictionary<MaildirFile, PosixException> failures = [];

    /// <summary>Adds a message of which everything has been put to its writer; those before it are on their way to the disk.</summary>
    /// <exception cref="PosixException">It cannot be written; it is not added.</exception>
    public void Add(MaildirFile file)
    {
        file.Writer.Flush();
        // The last one is waited for soon enough.
        if (files.Count > 0) files[^1].StartWriting();
        files.Add(file);
    }

    /// <summary>
    /// Delivers them; when this returns, all that have no <see cref="Failure"/> are on stable storage, files and directory
    /// entries. So will those be with <see cref="MaildirFile.RemovedFrom"/>, at the latest when that removal is.
    /// </summary>
    public void Publish()
    {
        foreach (MaildirFile file in files)
        {
            try
            {
                WriteAndMove(file);
            }
            catch (PosixException failure)
            {
                failures[file] = failure;
            }
        }
        // The last to move is the newest change in the journal.
        for (int i = files.Count - 1; i >= 0; i--)
            if (IsUnsynced(files[i])) Sync(files[i], i);
        foreach (MaildirFile file in files) _ = file.Close();
    }

    /// <summary>Why a message was not delivered; null when it was.</summary>
    public PosixException? Failure(MaildirFile file) => failures.GetValueOrDefault(file);

    private static void WriteAndMove(MaildirFile file)
    {
        PosixException.Check(file.Started, "unable to write " + file.Temporary);
        file.Look();
        if (file.IsOrdered)
        {
            PosixException.Check(Files.WriteOut(file.Fd), "unable to write " + file.Temporary);
            file.Move();
            file.IsSynced = file.Device == file.RemovedFrom;
            return;
        }
        PosixException.Check(Files.Sync(file.Fd), "unable to sync " + file.Temporary);
        file.Move();
        PosixException.Check(file.Close(), "unable to close " + file.Temporary);
    }

    private bool IsUnsynced(MaildirFile file) => !file.IsSynced && file.Name != null && !failures.ContainsKey(file);

    // Makes the name of a message durable, and those of all before it to which the same fsync applies.
    private void Sync(MaildirFile last, int index)
    {
        string directory = last.Directory + "new";
        int synced = MaildirFile.SyncDirectory(directory);
        // A directory that we may write to and not read: there, the file's own has to do.
        if (synced == -Errno.EACCES && last.IsOrdered) synced = Files.Sync(last.Fd);
        for (int i = index; i >= 0; i--)
        {
            MaildirFile file = files[i];
            bool applies = IsUnsynced(file) && file.IsOrdered == last.IsOrdered
                && (file.IsOrdered ? file.Device == last.Device : file.Directory == last.Directory);
            if (!applies) continue;
            file.IsSynced = true;
            if (synced >= 0) continue;
            failures[file] = new PosixException(synced, "unable to sync " + directory);
            file.TakeBack();
        }
    }
}
