using EveStorage.Linux;

namespace EveStorage.Tpm2Keys;

/// <summary>
/// A directory for one use of the TPM, which only we may look into. What it holds can be as secret as a session's key, so it
/// lies where a reboot empties, and what a process left that was killed goes before the next use. There is one use at a time.
/// </summary>
internal sealed class WorkDirectory : IDisposable
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // A slow TPM takes seconds for each of some ten commands.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly FileLock _lock;
    private readonly string _path;

    private WorkDirectory(FileLock held, string path) => (_lock, _path) = (held, path);

    internal string this[string name] => Path.Combine(_path, name);

    /// <summary>Makes one below <paramref name="place"/>, once nobody else has one there.</summary>
    /// <exception cref="StorageException">Others may look into <paramref name="place"/>, or somebody does not end.</exception>
    internal static async Task<WorkDirectory> MakeAsync(string place, TimeProvider time, CancellationToken cancellationToken)
    {
        FileCalls.Run(place, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            Directory.CreateDirectory(place, Closed);
        });
        RequireClosed(place);
        FileLock held = await FileLock.AcquireAsync(Path.Combine(place, "lock"), "a use of the TPM", s_patience, time, cancellationToken);
        try
        {
            string path = Path.Combine(place, "use");
            FileCalls.Run(path, () =>
            {
                if (Directory.Exists(path))
                {
                    Directory.Delete(path, recursive: true);
                }

                Directory.CreateDirectory(path, Closed);
            });
            return new(held, path);
        }
        catch (StorageException)
        {
            held.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        using (_lock)
        {
            Directory.Delete(_path, recursive: true);
        }
    }

    private static void RequireClosed(string place)
    {
        using DirectoryHandle handle = DirectoryHandle.Open(place);
        DirectoryOwner owner = handle.Look();
        if (!owner.IsOurs || (owner.Mode & ~Closed) != 0)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, place, "belongs to another user, or others may look into it: chmod 0700");
        }
    }
}
