using System.Collections.Concurrent;
using EveStorage.Cli.Api;
using EveStorage.Host.Locks;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Operations;

/// <summary>
/// The operations that run and those that ended lately, a file each. Who runs one holds its lock, so that a lock nobody holds
/// tells an operation that a crash cut short.
/// </summary>
internal sealed class Journal
{
    private const int EndedKept = 200;

    // To forget some means to read all. So it is not done for each operation, but for so many at once.
    private const int ForgottenAtOnce = 50;

    private readonly string _directory;
    private readonly JournalReserve _reserve;

    // The files of those that have ended for good, which no one writes again.
    private readonly ConcurrentDictionary<string, bool> _ended = new();

    internal Journal(Profile profile)
    {
        _directory = Path.Combine(profile.State, "operations");
        MakeDirectory(_directory);
        _reserve = new(Path.Combine(_directory, "reserve"));
        _reserve.Make();
    }

    /// <summary>Takes an operation for this process; null when another process has it.</summary>
    internal HeldLock? TryOwn(Guid id) => HeldLock.TryTake(Path.ChangeExtension(PathOf(id), ".lock"), HeldLock.Holder("runs it"));

    /// <summary>Puts an operation on disk. Once this returns it survives a crash.</summary>
    /// <exception cref="StorageException">The disk failed.</exception>
    internal void Write(OperationDocument document)
    {
        string path = PathOf(document.Operation.Id);
        try
        {
            DurableFile.Replace(path, document.Write());
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.OutOfSpace && _reserve.TryRelease())
        {
            DurableFile.Replace(path, document.Write());
        }

        if (!document.Operation.State.IsUnderWay())
        {
            _reserve.Make();   // what ended may have made room
        }
    }

    /// <summary>One operation.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: there is none of that id.</exception>
    internal OperationDocument Read(Guid id)
    {
        string path = PathOf(id);
        return File.Exists(path)
            ? OperationDocument.Read(FileCalls.Run(path, () => File.ReadAllBytes(path)), path)
            : throw new StorageException(StorageErrorKind.NotFound, $"{id}", "is no operation here: see `evestorage operation list`");
    }

    /// <summary>Every operation that can be read, oldest first; what can't be read is told to <paramref name="unreadable"/>.</summary>
    internal IReadOnlyList<OperationDocument> ReadAll(Action<StorageException>? unreadable = null) => Read(static _ => true, static (_, _) => true, unreadable);

    /// <summary>The same of those that have not ended for good: they run, were cut short, are kept, or need a person. They are few, and each command asks.</summary>
    internal IReadOnlyList<OperationDocument> ReadOpen(Action<StorageException>? unreadable = null)
    {
        if (_ended.Count > 2 * EndedKept)
        {
            _ended.Clear();   // others forget them, too
        }

        return Read(path => !_ended.ContainsKey(path), IsOpen, unreadable);
    }

    private bool IsOpen(string path, byte[] bytes)
    {
        bool ended = OperationDocument.HasEnded(bytes);
        _ = ended && _ended.TryAdd(path, true);
        return !ended;
    }

    private List<OperationDocument> Read(Predicate<string> wanted, Func<string, byte[], bool> matches, Action<StorageException>? unreadable)
    {
        List<OperationDocument> documents = [];
        foreach (string path in Directory.EnumerateFiles(_directory, "*.json").Where(path => wanted(path)))
        {
            try
            {
                byte[] bytes = FileCalls.Run(path, () => File.ReadAllBytes(path));
                if (matches(path, bytes))
                {
                    documents.Add(OperationDocument.Read(bytes, path));
                }
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
            {
                // it was forgotten just now
            }
            catch (StorageException e)
            {
                unreadable?.Invoke(e);
            }
        }

        documents.Sort(static (one, other) => one.Operation.Started.CompareTo(other.Operation.Started));
        return documents;
    }

    /// <summary>The operations that there are, of which some may be forgotten before they are read.</summary>
    internal IEnumerable<Guid> Ids()
        => Directory.EnumerateFiles(_directory, "*.json").Select(path => Guid.TryParseExact(Path.GetFileNameWithoutExtension(path), "D", out Guid id) ? id : Guid.Empty).Where(id => id != Guid.Empty);

    /// <summary>Forgets the oldest of the operations that ended well or were undone; those that need a person, or are kept, stay.</summary>
    /// <param name="atOnce">Whether that is done also when there are only a few too many.</param>
    /// <exception cref="StorageException">The disk failed.</exception>
    internal void Trim(bool atOnce)
    {
        _reserve.Make();
        if (Directory.EnumerateFiles(_directory, "*.json").Count() <= EndedKept + (atOnce ? 0 : ForgottenAtOnce))
        {
            return;
        }

        OperationDocument[] ended = [.. ReadAll().Where(document => !document.Operation.State.IsUnderWay() && document.Operation.State is not (OperationState.NeedsAttention or OperationState.Interrupted))];
        foreach (OperationDocument document in ended.SkipLast(EndedKept))
        {
            string path = PathOf(document.Operation.Id);
            FileCalls.Run(path, () => File.Delete(path));
            FileCalls.Run(path, () => File.Delete(Path.ChangeExtension(path, ".lock")));
        }
    }

    // Each new directory's name is in the one above it: that has to last, too, or the journal is gone with it after a power loss.
    private static void MakeDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        string above = Path.GetDirectoryName(path)!;
        MakeDirectory(above);
        FileCalls.Run(path, () => Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        DirectoryHandle.Flush(Directory.ResolveLinkTarget(above, returnFinalTarget: true)?.FullName ?? above);
    }

    private string PathOf(Guid id) => Path.Combine(_directory, $"{id:D}.json");
}
