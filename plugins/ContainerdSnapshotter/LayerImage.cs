using System.Diagnostics;
using EveStorage.Linux;
using Mount = EveStorage.Linux.Mount;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>What is done with the image of a file system: sharing its blocks, mounting it for a moment, holding still who writes to it.</summary>
internal static class LayerImage
{
    private const string Point = "mnt-";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Makes <paramref name="path"/> what <paramref name="source"/> is now.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: the file system below shares no blocks.</exception>
    internal static void Clone(string source, string path)
    {
        using BlockFile from = BlockFile.Open(source, writable: false);
        using BlockFile to = BlockFile.Create(path);
        if (!to.TryCloneFrom(from))
        {
            throw new StorageException(StorageErrorKind.NotSupported, path, "can't share blocks with another file: the layers' directory has to be on xfs or btrfs");
        }

        to.Flush();
    }

    /// <summary>Whether files in <paramref name="directory"/> can share blocks. Trying tells.</summary>
    internal static bool CanShare(string directory)
    {
        string one = Path.Combine(directory, ".shared-1");
        string other = Path.Combine(directory, ".shared-2");
        return FileCalls.Run(directory, () =>
        {
            File.Delete(one);
            File.Delete(other);
            try
            {
                using BlockFile first = BlockFile.Create(one);
                using BlockFile second = BlockFile.Create(other);
                first.Write(0, new byte[4096]);
                return second.TryCloneFrom(first);
            }
            finally
            {
                File.Delete(one);
                File.Delete(other);
            }
        });
    }

    /// <summary>
    /// Mounts an image where nobody looks, has something done there, and unmounts it: after that it is as clean as one that was never
    /// mounted, so that it can be looked at without a write.
    /// </summary>
    internal static async Task MountAsync(string directory, string image, ImageKind kind, Func<string, Task>? act = null)
    {
        string name = $"{Point}{Guid.NewGuid():N}";
        string point = Path.Combine(directory, name);
        using LoopDevice device = LoopDevice.Attach(image, image);
        using (MountPlace place = MountPlace.Open(directory, name))
        {
            place.Mount(device.Path, kind.Name, new MountOptions(Data: string.Join(',', kind.Writing)), image);
        }

        try
        {
            if (act is not null)
            {
                await act(point);
            }
        }
        finally
        {
            await UnmountAsync(point);
        }
    }

    /// <summary>Unmounts what a crash left mounted for a moment beneath <paramref name="directory"/>, and lets go on who was held still.</summary>
    internal static async Task ResumeAsync(string directory)
    {
        string beneath = $"{directory}/";
        foreach (Mount mount in MountTable.Read().Reverse().Where(mount => mount.Point.StartsWith(beneath, StringComparison.Ordinal)
            && Path.GetFileName(mount.Point).StartsWith(Point, StringComparison.Ordinal)))
        {
            await UnmountAsync(mount.Point);
        }

        HashSet<string> ours = [.. LoopDevice.List().Where(loop => loop.File.StartsWith(beneath, StringComparison.Ordinal)).Select(loop => loop.Number)];
        foreach (Mount mount in MountTable.Read().Where(mount => ours.Contains(mount.Device)).DistinctBy(mount => mount.Device))
        {
            MountedFileSystem.TryThaw(mount.Point);
        }
    }

    /// <summary>Where the image is mounted, as far as this process sees; null where it is not.</summary>
    internal static string? FindMounted(string image)
        => LoopDevice.Find(image) is string node && BlockDevice.FindNumber(node) is string number
            ? MountTable.Read().FirstOrDefault(mount => mount.Device == number)?.Point
            : null;

    /// <summary>Has something done while nobody writes to the image, and all that was written is in it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is mounted where this process does not see it.</exception>
    internal static void HoldStill(string image, Action act)
    {
        if (FindMounted(image) is not string point)
        {
            if (LoopDevice.Find(image) is string node && LoopDevice.IsClaimed(node) && FindMounted(image) is null)
            {
                throw new StorageException(StorageErrorKind.Busy, image, "is mounted where this host does not see it: give containerd this host's mounts");
            }

            act();
            return;
        }

        MountedFileSystem.Freeze(point);
        try
        {
            act();
        }
        finally
        {
            MountedFileSystem.TryThaw(point);
        }
    }

    private static async Task UnmountAsync(string point)
    {
        long start = Stopwatch.GetTimestamp();
        while (!MountPlace.TryUnmount(point, point))
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
            {
                throw new StorageException(StorageErrorKind.Busy, point, "is in use, and is mounted for a moment only: end what looks there");
            }

            await Task.Delay(s_pause);
        }

        FileCalls.Run(point, () => Directory.Delete(point));
    }
}
