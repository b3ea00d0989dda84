using EveStorage.Cli.Api;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Desired;

/// <summary>A file of the directory, as it lies there.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">How long it is.</param>
/// <param name="Written">When it was last written.</param>
/// <param name="Made">When it was made, which tells one that took its place.</param>
internal sealed record DesiredFile(string Name, long Length, DateTime Written, DateTime Made);

/// <summary>
/// The directory whose files say what is to be here. Whoever can write there has the host do anything, so nobody but its owner may. A
/// file gets there whole, by a rename; one that is half written is no JSON and is told of, and nothing is taken from it.
/// </summary>
internal sealed class DesiredDirectory(string path)
{
    private const UnixFileMode Others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>The files that count, by name: <c>*.json</c>, and none that begins with a dot, as one does that is being written.</summary>
    /// <exception cref="StorageException">The directory is not there, or others may change it.</exception>
    internal IReadOnlyList<DesiredFile> List()
    {
        using (DirectoryHandle directory = DirectoryHandle.Open(path))
        {
            DirectoryOwner owner = directory.Look();
            if (!owner.IsOurs || (owner.Mode & Others) != UnixFileMode.None)
            {
                throw new StorageException(StorageErrorKind.InvalidConfiguration, path, "may be changed by others than the host's own user: `chown` it and `chmod go-w` it");
            }
        }

        return FileCalls.Run(path, () => (IReadOnlyList<DesiredFile>)[.. new DirectoryInfo(path).EnumerateFiles("*.json")
            .Where(file => !file.Name.StartsWith('.'))
            .Select(file => new DesiredFile(file.Name, file.Length, file.LastWriteTimeUtc, file.CreationTimeUtc))
            .OrderBy(file => file.Name, StringComparer.Ordinal)]);
    }

    /// <summary>What the files say together.</summary>
    /// <param name="files">The files.</param>
    /// <param name="refused">Is told each file that counts for nothing, and why.</param>
    /// <param name="named">Is given the file that says each thing.</param>
    internal DesiredState Read(IReadOnlyList<DesiredFile> files, Action<string, string> refused, Dictionary<string, string> named)
    {
        DesiredState all = new();
        foreach (DesiredFile file in files)
        {
            try
            {
                DesiredState state = ReadFile(file.Name);
                string[] names = [.. NamesOf(state)];
                if (names.FirstOrDefault(named.ContainsKey) is string twice)
                {
                    refused(file.Name, $"names {twice}, as {named[twice]} does: one of them has to go");
                    continue;
                }

                Array.ForEach(names, name => named[name] = file.Name);
                all = Join(all, state);
            }
            catch (StorageException e)
            {
                refused(file.Name, ErrorReport.Of(e).Message);
            }
        }

        return all;
    }

    private DesiredState ReadFile(string name)
    {
        using SafeFileHandle handle = FileBeneath.OpenToRead(path, name);
        using FileStream stream = FileCalls.Run(name, () => new FileStream(handle, FileAccess.Read));
        Problems problems = new();
        DesiredState state = DesiredReader.Read(FileCalls.Run(name, () => DesiredReader.ReadUpTo(stream)), problems);
        problems.ThrowIfAny(name);
        return state;
    }

    private static IEnumerable<string> NamesOf(DesiredState state)
        => state.Pools.Keys.Select(pool => $"{pool}")
            .Concat(state.Volumes.Keys.Concat(state.FileSystems.Keys).Select(address => $"{address}"))
            .Concat(state.Exports.Keys.Select(place => $"{place}"));

    private static DesiredState Join(DesiredState one, DesiredState other) => new()
    {
        Pools = one.Pools.Concat(other.Pools).ToDictionary(),
        Volumes = one.Volumes.Concat(other.Volumes).ToDictionary(),
        FileSystems = one.FileSystems.Concat(other.FileSystems).ToDictionary(),
        Exports = one.Exports.Concat(other.Exports).ToDictionary(),
    };
}
