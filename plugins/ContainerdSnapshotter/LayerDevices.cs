using EveStorage.Linux;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>
/// The devices that the kernel makes of images for containerd to mount. They are held until the snapshot is committed or removed, or
/// this process ends: one that is mounted then goes with its mount. A link in the snapshot's directory leads to each, as its number
/// may be another's after a restart; and one device for all who mount an image keeps two from writing to it as if each were alone.
/// </summary>
internal sealed class LayerDevices : IDisposable
{
    private const string Link = "device";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LoopDevice> _held = [];

    /// <summary>The link to the device of <paramref name="image"/>, for the snapshot in <paramref name="directory"/>.</summary>
    internal string Of(string directory, string image)
    {
        string link = Path.Combine(directory, Link);
        lock (_lock)
        {
            if (!_held.ContainsKey(directory))
            {
                _held.Add(directory, Hold(image, link));
            }
        }

        return link;
    }

    /// <summary>Lets go of a snapshot's. The link is gone, too.</summary>
    internal void Release(string directory)
    {
        lock (_lock)
        {
            if (_held.Remove(directory, out LoopDevice? device))
            {
                device.Dispose();
            }
        }

        Unlink(directory);
    }

    /// <summary>Removes the link that a process left which is gone.</summary>
    internal static void Unlink(string directory)
    {
        string link = Path.Combine(directory, Link);
        if (Directory.Exists(directory))
        {
            FileCalls.Run(link, () => File.Delete(link));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (LoopDevice device in _held.Values)
            {
                device.Dispose();
            }

            _held.Clear();
        }
    }

    private static LoopDevice Hold(string image, string link)
    {
        LoopDevice device = LoopDevice.Hold(image, image);
        bool linked = false;
        try
        {
            FileCalls.Run(link, () =>
            {
                File.Delete(link);
                File.CreateSymbolicLink(link, device.Path);
            });
            linked = true;
            return device;
        }
        finally
        {
            if (!linked)
            {
                device.Dispose();
            }
        }
    }
}
