using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A file system of its own on a loop device, as a pool of files gives one. It needs root and its kind's programs.</summary>
internal sealed class LoopFileSystem : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private bool _mounted;

    private LoopFileSystem() => Directory.CreateDirectory(Path);

    /// <summary>Where it is mounted.</summary>
    internal string Path => _directory["mount"];

    /// <summary>Makes one of <paramref name="kind"/>.</summary>
    internal static async Task<LoopFileSystem> MakeAsync(string kind, ByteSize size, string options = "loop")
    {
        bool can = Environment.UserName == "root" && File.Exists("/dev/loop-control") && Command.Find($"mkfs.{kind}") is not null;
        Assert.SkipUnless(can || Environment.GetEnvironmentVariable("CI") == "true", $"needs root, loop devices and mkfs.{kind}");
        LoopFileSystem made = new();
        string image = made._directory["image"];
        using (BlockFile file = BlockFile.Create(image))
        {
            file.SetLength(size.Bytes);
        }

        await Command.Find($"mkfs.{kind}")!.RunAsync(["-q", image], TestContext.Current.CancellationToken);
        await Command.Find("mount")!.RunAsync(["-o", options, image, made.Path], TestContext.Current.CancellationToken);
        made._mounted = true;
        return made;
    }

    /// <summary>Unmounts what is at <paramref name="point"/>, once a process that another test is starting has let go of what this one had open.</summary>
    internal static Task UnmountAsync(string point) => RunningContainerd.ComesTrueAsync(() => MountPlace.TryUnmount(point, point), $"{point} is used by nobody");

    public async ValueTask DisposeAsync()
    {
        if (_mounted)
        {
            await UnmountAsync(Path);
        }

        _directory.Dispose();
    }
}
