using EveStorage.Conformance;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A block device for the kernel to serve: a loop device.</summary>
internal sealed class ServedVolume : ITransportVolume, IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private string _device = "";

    public VolumeAccess Access => new() { Path = _device };

    internal static async Task<ServedVolume> MakeAsync(ByteSize size)
    {
        ServedVolume volume = new();
        volume.Resize(size);
        volume._device = (await Command.Find("losetup")!.RunAsync(["--find", "--show", volume._directory["image"]], CancellationToken.None)).Trim();
        return volume;
    }

    public async ValueTask GrowAsync(ByteSize size, CancellationToken cancellationToken)
    {
        Resize(size);
        await Command.Find("losetup")!.RunAsync(["--set-capacity", _device], cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Command.Find("losetup")!.RunAsync(["--detach", _device], CancellationToken.None);
        _directory.Dispose();
    }

    private void Resize(ByteSize size)
    {
        using FileStream image = File.Open(_directory["image"], FileMode.OpenOrCreate);
        image.SetLength(size.Bytes);
    }
}
