namespace EveStorage.ContainerdSnapshotter;

/// <summary>What containerd may call things, and note about them.</summary>
internal static class SnapshotNames
{
    private const int MaxKey = 1024;
    private const int MaxLabels = 256;
    private const int MaxLabel = 4096;   // containerd's own limit for a name and its value together
    private const string LabelsPath = "labels";

    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>.</exception>
    internal static void Require(string key, IReadOnlyDictionary<string, string> labels)
    {
        if (key.Length is 0 or > MaxKey)
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, "key", $"has to have 1 to {MaxKey} letters");
        }

        if (labels.Count > MaxLabels || labels.Any(label => label.Key.Length == 0 || label.Key.Length + label.Value.Length > MaxLabel))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, key, $"has to have {MaxLabels} labels at most, each of {MaxLabel} letters at most");
        }
    }

    /// <summary>The labels after a change: one that is given nothing is gone.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.InvalidConfiguration"/>: a path names what can't be changed.</exception>
    internal static IReadOnlyDictionary<string, string> Change(
        IReadOnlyDictionary<string, string> now, IReadOnlyDictionary<string, string> wanted, IReadOnlyList<string> paths)
    {
        Dictionary<string, string> changed = paths.Count == 0 || paths.Contains(LabelsPath) ? new(wanted) : new(now);
        foreach (string path in paths.Where(path => path != LabelsPath))
        {
            if (!path.StartsWith($"{LabelsPath}.", StringComparison.Ordinal))
            {
                throw new StorageException(StorageErrorKind.InvalidConfiguration, path, "can't be changed: labels can");
            }

            string label = path[(LabelsPath.Length + 1)..];
            changed[label] = wanted.TryGetValue(label, out string? value) ? value : "";
        }

        return changed.Where(label => label.Value.Length > 0).ToDictionary();
    }
}
