using EveStorage.Cli;
using EveStorage.Linux;

namespace EveStorage.Host.FileSystems;

/// <summary>How full a file system was when it was last looked at.</summary>
internal sealed class WatchedFileSystem(string subject)
{
    private static readonly int[] s_levels = [80, 90, 95];

    private int _space;
    private int _files;
    private bool _readOnly;

    /// <summary>What it is called.</summary>
    internal string Subject => subject;

    /// <summary>Tells what is other than before: a level that is passed upwards, and again only after it was left.</summary>
    internal void Tell(FileSystem now, bool readOnlyUnasked, IEventSink events)
    {
        _space = TellLevel("fs.space", _space, now.Used.Bytes, now.Size.Bytes, level => $"holds {now.Used.ForPerson()} of its {now.Size.ForPerson()}, {level} % and more: grow it, or delete what is not needed", events);
        _files = TellLevel("fs.files", _files, now.Files - now.FreeFiles, now.Files, level => $"has {now.Files - now.FreeFiles} of the {now.Files} files that it can have, {level} % and more: delete some, or grow it", events);
        if (readOnlyUnasked && !_readOnly)
        {
            events.Report(new("fs.read-only", EventSeverity.Critical, subject, "can only be read since an error of its device: look at the kernel's log and the drives, then unmount and mount it"));
        }

        _readOnly = readOnlyUnasked;
    }

    private int TellLevel(string id, int before, long used, long size, Func<int, string> message, IEventSink events)
    {
        double percent = size == 0 ? 0 : 100.0 * used / size;
        int level = s_levels.LastOrDefault(passed => percent >= passed);
        if (level > before)
        {
            events.Report(new(id, level >= s_levels[^1] ? EventSeverity.Critical : EventSeverity.Warning, subject, message(level)));
        }

        return level;
    }
}
