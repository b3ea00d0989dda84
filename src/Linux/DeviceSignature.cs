using System.Text.Json;

namespace EveStorage.Linux;

/// <summary>Something that libblkid recognises on a device: a file system, a member of a RAID or of a volume group, a partition table.</summary>
/// <param name="Kind">What: <c>ext4</c>, <c>LVM2_member</c>, <c>gpt</c>.</param>
/// <param name="Id">Its UUID; empty when it has none.</param>
public sealed record DeviceSignature(string Kind, string Id)
{
    /// <summary>Everything on the device at <paramref name="path"/>, which is only read.</summary>
    /// <exception cref="StorageException">It can't be looked at: then it counts as unknown, not as empty.</exception>
    public static async Task<IReadOnlyList<DeviceSignature>> FindAsync(string path, CancellationToken cancellationToken)
    {
        Command wipefs = Command.Find("wipefs") ?? throw new StorageException(StorageErrorKind.Unavailable, "wipefs", "is not installed: install util-linux");
        return Read(await wipefs.RunAsync(["--json", "--no-act", path], cancellationToken));
    }

    /// <summary>Reads what <c>wipefs --json</c> prints; nothing at all, as some versions do, means nothing found.</summary>
    /// <exception cref="StorageException">It is another thing.</exception>
    internal static IReadOnlyList<DeviceSignature> Read(string output)
    {
        if (string.IsNullOrWhiteSpace(output))
        {
            return [];
        }

        try
        {
            using JsonDocument report = JsonDocument.Parse(output);
            return [.. report.RootElement.GetProperty("signatures").EnumerateArray()
                .Select(found => new DeviceSignature(found.GetProperty("type").GetString() ?? "unknown", found.GetProperty("uuid").GetString() ?? ""))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new StorageException(StorageErrorKind.Io, "wipefs", "prints no list of signatures", e);
        }
    }
}
