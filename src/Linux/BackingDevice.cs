using System.Globalization;

namespace EveStorage.Linux;

/// <summary>A device that the kernel serves, as far as /sys tells whether it still answers.</summary>
public static class BackingDevice
{
    private static readonly int[] s_ended = [0, 4, 11, 15];   // Documentation/block/stat.rst: reads, writes, discards and flushes
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Refuses a device that answers to nobody: what is served from it could not end, and whoever waited for that could not be
    /// stopped, not even by SIGKILL.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>.</exception>
    public static async Task RequireAnswersAsync(string? path, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (path is null || StatisticsOf(path) is not string device)
        {
            return;   // a file, or a device that is gone: the kernel ends its commands with an error
        }

        if (Configfs.Find($"{device}/dm/suspended") == "1")
        {
            throw new StorageException(StorageErrorKind.Busy, path, "is suspended, so its commands can't end: resume it first (dmsetup resume)");
        }

        long before = Ended(device);
        for (TimeSpan waited = TimeSpan.Zero; InFlight(device) > 0 && Ended(device) == before; waited += s_pause)
        {
            if (waited >= limit)
            {
                throw new StorageException(StorageErrorKind.Busy, path, $"has ended none of {InFlight(device)} commands for {limit.TotalSeconds:0} s: look at the device; nothing was changed");
            }

            await Task.Delay(s_pause, cancellationToken);
        }
    }

    private static string? StatisticsOf(string path)
    {
        if (!Path.Exists(path))
        {
            return null;
        }

        string real = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        string device = Path.Combine("/sys/class/block", Path.GetFileName(real));
        return real.StartsWith("/dev/", StringComparison.Ordinal) && Directory.Exists(device) ? device : null;
    }

    private static long InFlight(string device) => Numbers($"{device}/inflight").Sum();

    private static long Ended(string device)
    {
        long[] all = [.. Numbers($"{device}/stat")];
        return s_ended.Where(at => at < all.Length).Sum(at => all[at]);
    }

    private static IEnumerable<long> Numbers(string path)
        => (Configfs.Find(path) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(n => long.Parse(n, CultureInfo.InvariantCulture));
}
