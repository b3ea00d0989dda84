using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A btrfs of its own on a loop device. It needs root and btrfs-progs.</summary>
public sealed class MountedBtrfs : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private bool _mounted;

    /// <summary>Where it is; where this machine can't have one the test is skipped, and in CI fails.</summary>
    internal string Required
    {
        get
        {
            if (Environment.GetEnvironmentVariable("CI") == "true")
            {
                _mounted.ShouldBeTrue("CI has to have root, mkfs.btrfs and a loop device");
            }

            Assert.SkipUnless(_mounted, "needs root, mkfs.btrfs and a loop device");
            return _directory["mount"];
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.UserName != "root" || !File.Exists("/usr/sbin/mkfs.btrfs"))
        {
            return;
        }

        await using (FileStream image = File.Create(_directory["image"]))
        {
            image.SetLength(2L << 30);
        }

        Directory.CreateDirectory(_directory["mount"]);
        await Shell.DoAsync("/usr/sbin/mkfs.btrfs", ["-q", _directory["image"]]);
        _mounted = (await Shell.RunAsync("/bin/mount", ["-o", "loop", _directory["image"], _directory["mount"]])).Code == 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (_mounted)
        {
            await Shell.DoAsync("/bin/umount", [_directory["mount"]]);
        }

        _directory.Dispose();
    }
}
