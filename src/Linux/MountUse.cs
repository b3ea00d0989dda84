namespace EveStorage.Linux;

/// <summary>Mounting where nothing is hidden by it, ending a mount, and who is in the way of that.</summary>
public static class MountUse
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);   // for those that look at every place that comes and goes
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Mounts on the directory of <paramref name="place"/>, which is made where it is lacking.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>: something is there.</exception>
    public static void Begin(string source, string kind, MountOptions options, MountSpec place, string subject)
    {
        ArgumentNullException.ThrowIfNull(place);
        using MountPlace directory = MountPlace.Open(place.Root, place.At);
        if (MountTable.FindAt(place.Path) is not null)
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, $"is to be mounted at {place.Path}, where something else is mounted: nothing was touched");
        }

        if (!directory.IsEmpty)
        {
            throw new StorageException(StorageErrorKind.Conflict, subject, $"is to be mounted at {place.Path}, where files would be hidden by it: move them away first");
        }

        directory.Mount(source, kind, options, subject);
    }

    /// <summary>Unmounts what is seen at <paramref name="point"/>, once nobody uses it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: somebody does.</exception>
    public static async Task EndAsync(string point, string subject, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(time);
        long start = time.GetTimestamp();
        while (!MountPlace.TryUnmount(point, subject))
        {
            if (time.GetElapsedTime(start) > s_patience)
            {
                throw new StorageException(StorageErrorKind.Busy, subject, $"{point} is in use: {string.Join(", ", UsersOf(point))}");
            }

            await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    private static IEnumerable<string> UsersOf(string point)
        => MountTable.Read().Where(mount => mount.Point.StartsWith($"{point}/", StringComparison.Ordinal)).Select(mount => $"{mount.Point} is mounted beneath it")
            .Concat(DevicePrograms.Beneath(point))
            .DefaultIfEmpty("something in the kernel, such as a loop device on a file of it");
}
