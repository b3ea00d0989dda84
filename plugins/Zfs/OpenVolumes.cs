using System.Text.Json;

namespace EveStorage.Zfs;

/// <summary>Who has volumes open is known to ZFS alone: an export of the kernel's shows nowhere else.</summary>
internal static class OpenVolumes
{
    // Arguments of one program: well below the kernel's limit for all of them.
    private const int AtOnce = 500;

    /// <summary>Those of <paramref name="datasets"/> that are open now.</summary>
    internal static async Task<IReadOnlyList<string>> AmongAsync(Zpool zpool, IReadOnlyList<string> datasets, CancellationToken cancellationToken)
    {
        List<string> open = [];
        foreach (string[] some in datasets.Chunk(AtOnce))
        {
            JsonElement returned = await zpool.Tools.ProgramAsync(zpool.Root, "OpenVolumes.lua", changes: false, some, cancellationToken);

            // A table of Lua's is an object, with its places as names.
            open.AddRange(returned.ValueKind == JsonValueKind.Object ? returned.EnumerateObject().Select(entry => entry.Value.GetString()).OfType<string>()
                : returned.ValueKind == JsonValueKind.Array ? returned.EnumerateArray().Select(entry => entry.GetString()).OfType<string>()
                : []);
        }

        return open;
    }

    /// <summary>The same, when those that udev looks into have been given back.</summary>
    internal static async Task<IReadOnlyList<string>> AfterAWhileAsync(
        Zpool zpool, IReadOnlyList<string> datasets, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        IReadOnlyList<string> open = await AmongAsync(zpool, datasets, cancellationToken);
        while (open.Count > 0 && time.GetElapsedTime(start) < limit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancellationToken);
            open = await AmongAsync(zpool, open, cancellationToken);
        }

        return open;
    }
}
