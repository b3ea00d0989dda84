using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>
/// Where the snapshots of one name lie: a directory each, called by its number, with its record and what its form needs. One is
/// built under another name, and a rename publishes it or takes it away: a crash leaves a whole one, or what the next start removes.
/// </summary>
internal sealed class LayerDirectory(string path)
{
    private const string Building = "new-";
    private const string Leaving = "rm-";
    private const string RecordName = "snapshot.json";

    /// <summary>That of a snapshot.</summary>
    internal string PathOf(long number) => Path.Combine(path, number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Every snapshot that is there. What a crash left half made, or half removed, is queued to be removed.</summary>
    /// <exception cref="StorageException">A record can't be read.</exception>
    internal IReadOnlyList<(long Number, SnapshotRecord Record)> Read(Action<string> remove)
    {
        DurableFile.MakeDirectory(path);
        List<(long, SnapshotRecord)> found = [];
        foreach (string entry in FileCalls.Run(path, () => Directory.EnumerateDirectories(path).ToList()))
        {
            string name = Path.GetFileName(entry);
            if (name.StartsWith(Leaving, StringComparison.Ordinal))
            {
                remove(entry);
            }
            else if (name.StartsWith(Building, StringComparison.Ordinal))
            {
                remove(Leave(entry, name));   // under another name at once: its number is the next one's, who would build there while it goes
            }
            else if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                found.Add((number, SnapshotRecord.Read(Path.Combine(entry, RecordName))));
            }
        }

        return found;
    }

    /// <summary>Makes a snapshot. Once this returns it survives a crash.</summary>
    /// <returns>Its record.</returns>
    internal async Task<SnapshotRecord> MakeAsync(long number, SnapshotRecord record, ILayerForm form)
    {
        string temporary = Path.Combine(path, $"{Building}{number}");
        FileCalls.Run(temporary, () =>
        {
            Remove(temporary);
            Directory.CreateDirectory(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        });
        bool made = false;
        try
        {
            LayerUsage below = await form.MakeAsync(temporary, record, record.Below is [long parent, ..] ? PathOf(parent) : null);
            SnapshotRecord whole = record with { Lower = below };
            whole.Write(Path.Combine(temporary, RecordName));
            DurableFile.Publish(temporary, PathOf(number));
            made = true;
            return whole;
        }
        finally
        {
            if (!made)
            {
                FileCalls.Run(temporary, () => Remove(temporary));
            }
        }
    }

    /// <summary>Replaces a snapshot's record.</summary>
    internal void Write(long number, SnapshotRecord record) => record.Write(Path.Combine(PathOf(number), RecordName));

    /// <summary>Takes a snapshot away by name, at once and whoever uses it.</summary>
    /// <returns>What is left to remove.</returns>
    internal string Retire(long number) => Leave(PathOf(number), number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Removes a directory with all that is in it, following nothing that leads elsewhere.</summary>
    internal static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private string Leave(string directory, string name)
    {
        string leaving = Path.Combine(path, $"{Leaving}{name}-{Guid.NewGuid():N}");
        DurableFile.Publish(directory, leaving);
        return leaving;
    }
}
