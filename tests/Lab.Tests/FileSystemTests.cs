using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>File systems with all that a root can have: each of RealRootTests.</summary>
public sealed class FileSystemTests
{
    private const string Project = "EveStorage.FileSystems.Tests";
    private const int Tests = 3;

    [Fact]
    public async Task Ext4_grows_while_it_is_used_and_a_stack_with_encryption_is_one()
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory directory = new();
        string program = await TestsInGuest.PackAsync(directory, Project);
        await Programs.OutputAsync("mkfs.ext4", "-q", directory["room"], "3G");
        await using Guest guest = await Guest.StartAsync("--disk", $"{program},virtio,tests,ro", "--disk", $"{directory["room"]},virtio,room");

        await guest.RunAsync("modprobe loop; modprobe xfs; modprobe ext4; modprobe dm-crypt; mkdir -p /room; mount $(lab-disk room) /room");

        (await TestsInGuest.RunAsync(guest, "tests", Project, "RealRootTests", "TMPDIR=/room")).ShouldBe(Tests);
    }
}
