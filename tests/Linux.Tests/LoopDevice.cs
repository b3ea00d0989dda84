using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A block device on a file. It needs root and a loop device.</summary>
internal sealed class LoopDevice : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private bool _mounted;

    private LoopDevice()
    {
    }

    internal string Path { get; private set; } = "";

    internal string Image => _directory["image"];

    /// <param name="size">Its size.</param>
    /// <param name="room">What of it can be written, less than its size: then it loses writes.</param>
    internal static async Task<LoopDevice> MakeAsync(ByteSize size, ByteSize? room = null)
    {
        bool can = Environment.UserName == "root" && File.Exists("/dev/loop-control");
        Assert.SkipUnless(can || Environment.GetEnvironmentVariable("CI") == "true", "needs root and a loop device");
        LoopDevice device = new() { _mounted = room is not null };
        if (room is ByteSize most)
        {
            await Command.Find("mount")!.RunAsync(["-t", "tmpfs", "-o", $"size={most.Bytes}", "tmpfs", device._directory.Path], default);
        }

        device.Resize(size);
        device.Path = (await Command.Find("losetup")!.RunAsync(["--find", "--show", device.Image], default)).Trim();
        return device;
    }

    internal void Resize(ByteSize size)
    {
        using FileStream image = File.Open(Image, FileMode.OpenOrCreate);
        image.SetLength(size.Bytes);
    }

    internal async Task GrowAsync(ByteSize size)
    {
        Resize(size);
        await Command.Find("losetup")!.RunAsync(["--set-capacity", Path], default);
    }

    public async ValueTask DisposeAsync()
    {
        await Command.Find("losetup")!.RunAsync(["--detach", Path], default);
        if (_mounted)
        {
            await Command.Find("umount")!.RunAsync([_directory.Path], default);
        }

        _directory.Dispose();
    }
}
