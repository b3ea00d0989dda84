using System.Text.Json;
using EveStorage.Linux;

namespace EveStorage.Luks;

/// <summary>Looks for what others wrote on a device.</summary>
internal static class Signatures
{
    /// <summary>What wipefs knows the device at <paramref name="path"/> to hold: file systems, RAID members, partition tables.</summary>
    /// <exception cref="StorageException">It can't be looked at.</exception>
    internal static async Task<IReadOnlyList<string>> FindAsync(string path, CancellationToken cancellationToken)
    {
        Command wipefs = Command.Find("wipefs") ?? throw new StorageException(StorageErrorKind.Unavailable, "wipefs", "is not installed: install util-linux");
        string printed = await wipefs.RunAsync(["--no-act", "--json", path], cancellationToken);
        if (printed.Length == 0)
        {
            return [];   // some versions print nothing where they find nothing
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(printed);
            return [.. document.RootElement.GetProperty("signatures").EnumerateArray().Select(found => found.GetProperty("type").GetString() ?? "something").Distinct()];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new StorageException(StorageErrorKind.Io, wipefs.Path, "printed no JSON that we know", e);
        }
    }
}
