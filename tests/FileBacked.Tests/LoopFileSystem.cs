using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A file system of its own on a loop device. It needs root and the program that makes it.</summary>
public abstract class LoopFileSystem(string kind, params string[] options) : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private bool _mounted;

    /// <summary>Where it is mounted; null when this machine can't.</summary>
    public string? Mounted => _mounted ? _directory["mount"] : null;

    /// <summary>What it takes.</summary>
    public string Needs => $"root, mkfs.{kind} and a loop device";

    public async ValueTask InitializeAsync()
    {
        if (Environment.UserName != "root" || Command.Find($"mkfs.{kind}") is not Command make || Command.Find("mount") is not Command mount)
        {
            return;
        }

        using (FileStream image = File.Create(_directory["image"]))
        {
            image.SetLength(512L << 20);
        }

        Directory.CreateDirectory(_directory["mount"]);
        await make.RunAsync([.. options, _directory["image"]], CancellationToken.None);
        await mount.RunAsync(["-o", "loop", _directory["image"], _directory["mount"]], CancellationToken.None);
        _mounted = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_mounted)
        {
            await Command.Find("umount")!.RunAsync([_directory["mount"]], CancellationToken.None);
        }

        _directory.Dispose();
        GC.SuppressFinalize(this);
    }
}

public sealed class Btrfs() : LoopFileSystem("btrfs", "-q");

public sealed class Xfs() : LoopFileSystem("xfs", "-q", "-m", "reflink=1");

public sealed class Ext4() : LoopFileSystem("ext4", "-q");

/// <summary>Whether a test that needs something may be skipped for want of it: never in CI.</summary>
internal static class Needed
{
    internal static string Require(LoopFileSystem fileSystem)
    {
        bool there = fileSystem.Mounted is not null;
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            there.ShouldBeTrue($"CI has to have {fileSystem.Needs}");
        }

        Assert.SkipUnless(there, $"needs {fileSystem.Needs}");
        return fileSystem.Mounted!;
    }
}
