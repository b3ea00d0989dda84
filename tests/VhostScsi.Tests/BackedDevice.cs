using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A block device for LIO to serve, on a file that tells what is allocated: a loop device.</summary>
internal sealed class BackedDevice : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private string _device = "";

    internal VolumeAccess Access => new() { Path = _device };

    internal string Image => _directory["image"];

    internal long Allocated => BlockFile.Look(Image).Allocated;

    internal static async Task<BackedDevice> MakeAsync()
    {
        BackedDevice device = new();
        using (FileStream image = File.Create(device.Image))
        {
            image.SetLength(16 << 20);
        }

        device._device = (await Command.Find("losetup")!.RunAsync(["--find", "--show", device.Image], CancellationToken.None)).Trim();
        return device;
    }

    public async ValueTask DisposeAsync()
    {
        await Command.Find("losetup")!.RunAsync(["--detach", _device], CancellationToken.None);
        _directory.Dispose();
    }
}
