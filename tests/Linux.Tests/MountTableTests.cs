using EveStorage.Linux;

namespace EveStorage.Tests;

public class MountTableTests
{
    [Theory]
    [InlineData("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue", "/mnt2", "98:0", "ext3", false, "/dev/root", "/mnt1")]
    [InlineData("36 35 7:1 / /a\\040b ro,nosuid - xfs /dev/loop1 rw,nouuid", "/a b", "7:1", "xfs", true, "/dev/loop1", "/")]
    [InlineData("41 30 0:35 / /run/mounts/newlog rw,nosuid,nodev - zfs evestorage-data/volumes/newlog rw,xattr,posixacl", "/run/mounts/newlog", "0:35", "zfs", false, "evestorage-data/volumes/newlog", "/")]
    [InlineData("36 35 7:1 / /c\\134d rw - ext4 /dev/loop1 ro", "/c\\d", "7:1", "ext4", true, "/dev/loop1", "/")]
    public void A_line_tells_what_is_mounted_where(string line, string point, string device, string kind, bool readOnly, string source, string root)
        => MountTable.Parse(line).ShouldBe(new Mount(point, device, kind, readOnly) { Source = source, Root = root });

    [Theory]
    [InlineData("")]
    [InlineData("36 35 98:0 / / rw")]
    [InlineData("36 35 98:0 / / rw -")]
    public void A_line_that_is_none_tells_nothing(string line) => MountTable.Parse(line).ShouldBeNull();

    [Fact]
    public void What_is_mounted_at_the_root_is_found() => MountTable.FindAt("/").ShouldNotBeNull();
}
