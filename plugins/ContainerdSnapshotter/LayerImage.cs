using EveStorage.Linux;
using Mount = EveStorage.Linux.Mount;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>What is done with the image of a file system: sharing its blocks, mounting it for a moment, holding still who writes to it.</summary>
internal static class LayerImage
{
    private const string Point = "mnt-";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

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
    internal static async Task MountAsync(string directory, string image, ImageKind kind, TimeProvider time, Func<string, Task>? act = null)
    {
        string name = $"{Point}{Guid.NewGuid():N}";
        string point = Path.Combine(directory, name);
        using LoopDevice device = LoopDevice.Attach(image, image);
        bool mounted = false;
        try
        {
            using (MountPlace place = MountPlace.Open(directory, name))
            {
                place.Mount(device.Path, kind.Name, new MountOptions(Data: string.Join(',', kind.Writing)), image);
                mounted = true;
            }

            await (act?.Invoke(point) ?? Task.CompletedTask);
        }
        finally
        {
            if (mounted)
            {
                await MountUse.EndAsync(point, image, time, CancellationToken.None);
                await WaitAsync(image, time, () => !LoopDevice.IsClaimed(device.Path));
            }

            Remove(point);
        }
    }

    /// <summary>Unmounts what a crash left mounted for a moment beneath <paramref name="directory"/>, and lets go on who was held still.</summary>
    internal static async Task ResumeAsync(string directory, TimeProvider time)
    {
        string beneath = $"{directory}/";
        HashSet<string> ours = [.. LoopDevice.List().Where(loop => loop.File.StartsWith(beneath, StringComparison.Ordinal)).Select(loop => loop.Number)];
        foreach (Mount mount in MountTable.Read().Reverse().Where(mount => ours.Contains(mount.Device) && mount.Point.StartsWith(beneath, StringComparison.Ordinal)
            && Path.GetFileName(mount.Point).StartsWith(Point, StringComparison.Ordinal)))
        {
            await MountUse.EndAsync(mount.Point, mount.Point, time, CancellationToken.None);
            Remove(mount.Point);
        }

        foreach (string device in ours)
        {
            using DirectoryHandle? mounted = MountedFileSystem.Find(device);
            if (mounted is not null)
            {
                MountedFileSystem.TryThaw(mounted, directory);
            }
        }
    }

    /// <summary>Opens what is mounted of the image, as far as this process sees; null where nothing is.</summary>
    internal static DirectoryHandle? OpenMounted(string image)
        => LoopDevice.Find(image) is string node && BlockDevice.FindNumber(node) is string number ? MountedFileSystem.Find(number) : null;

    /// <summary>Has something done while nobody writes to the image, and all that was written is in it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is mounted where this process does not see it.</exception>
    internal static async Task HoldStillAsync(string image, TimeProvider time, Action act)
    {
        using DirectoryHandle? mounted = await OpenUsedAsync(image, time);
        if (mounted is null)
        {
            act();
            return;
        }

        MountedFileSystem.Freeze(mounted, image);
        try
        {
            act();
        }
        finally
        {
            MountedFileSystem.TryThaw(mounted, image);
        }
    }

    private static async Task<DirectoryHandle?> OpenUsedAsync(string image, TimeProvider time)
    {
        DirectoryHandle? mounted = null;
        await WaitAsync(image, time, () => (mounted = OpenMounted(image)) is not null || LoopDevice.Find(image) is not string node || !LoopDevice.IsClaimed(node));
        return mounted;
    }

    // Whoever starts a container has a copy of every mount for a moment, and what ended here may live on in that.
    private static async Task WaitAsync(string image, TimeProvider time, Func<bool> isSo)
    {
        long start = time.GetTimestamp();
        while (!isSo())
        {
            if (time.GetElapsedTime(start) > s_patience)
            {
                throw new StorageException(StorageErrorKind.Busy, image, "is mounted where this host does not see it: give containerd this host's mounts");
            }

            await Task.Delay(s_pause, time);
        }
    }

    private static void Remove(string point)
    {
        if (Directory.Exists(point))
        {
            FileCalls.Run(point, () => Directory.Delete(point));
        }
    }
}
