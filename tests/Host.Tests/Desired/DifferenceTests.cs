using System.Text;
using EveStorage.Cli.Api;
using EveStorage.Host.Desired;
using EveStorage.Host.Profiles;

namespace EveStorage.Tests;

/// <summary>What is done about each way in which a thing may differ from a file.</summary>
public sealed class DifferenceTests
{
    private static readonly VolumeAddress s_address = new(new("data"), new("a"), null);

    [Fact]
    public void A_volume_that_is_there_as_asked_or_larger_is_left_alone()
    {
        Find(new DesiredVolume { Size = ByteSize.GiB(1) }, Volume(1)).ShouldBeNull();
        Find(new DesiredVolume { Size = ByteSize.GiB(1) }, Volume(2)).ShouldBeNull();
        Find(new DesiredVolume { Image = new() { File = "other.qcow2" } }, Volume(2)).ShouldBeNull();
    }

    [Fact]
    public void A_volume_that_is_smaller_is_grown()
        => Find(new DesiredVolume { Size = ByteSize.GiB(3) }, Volume(2))!.Request.ShouldBe(new ResizeVolume { Pool = new("data"), Volume = new("a"), Size = ByteSize.GiB(3) });

    [Fact]
    public void A_volume_that_is_not_there_is_made_with_what_it_must_have()
        => Find(new DesiredVolume { Size = ByteSize.GiB(3), Thick = true, Encrypted = true }, null)!.Request
            .ShouldBe(new CreateVolume { Pool = new("data"), Volume = new("a"), Size = ByteSize.GiB(3), Traits = VolumeTraits.Encrypted });

    [Fact]
    public void A_volume_of_an_image_is_made_of_it()
    {
        DesiredChange change = Find(new DesiredVolume { Image = new() { File = "sub/a.raw", Format = "raw", Verify = true } }, null)!;

        change.Image.ShouldBe("sub/a.raw");
        change.Request.ShouldBe(new ImportImage { Pool = new("data"), Volume = new("a"), ImageName = "a.raw", Format = "raw", Verify = true });
    }

    [Fact]
    public void What_a_volume_can_not_be_given_any_more_is_refused_and_nothing_is_done()
    {
        Find(new DesiredVolume { Size = ByteSize.GiB(1), Encrypted = true }, Volume(1))!.Refusal!.Message.ShouldContain("is not Encrypted");
        Find(new DesiredVolume { Size = ByteSize.GiB(1), Thick = true }, Volume(1))!.Refusal!.Message.ShouldContain("thin");
        Find(new DesiredVolume { Size = ByteSize.GiB(1) }, Volume(1) with { Form = VolumeForm.FileSystem })!.Refusal!.Kind.ShouldBe(StorageErrorKind.Conflict);
        Find(new DesiredVolume { Absent = true }, Volume(1) with { Form = VolumeForm.FileSystem })!.Request.ShouldBeNull();
    }

    [Fact]
    public void A_volume_whose_space_is_taken_and_is_not_to_be_is_refused_where_its_pool_could_have_made_it_so()
    {
        VolumeReport thick = Volume(1) with { Traits = VolumeTraits.None };
        Found found = FoundOf(thick, null) with { Pools = new Dictionary<PoolName, PoolReport> { [new("data")] = new() { Name = new("data"), Kind = "file", Created = true, Traits = VolumeTraits.Thin } } };
        DesiredVolume thin = new() { Size = ByteSize.GiB(1), Thick = false };

        VolumeDifference.Find(s_address, thin, found).ShouldHaveSingleItem()!.Refusal!.Message.ShouldContain("leave that out of the file");
        VolumeDifference.Find(s_address, thin with { Thick = null }, found).ShouldBe([null]);
        Find(thin, thick).ShouldBeNull("a pool that takes all space at once has nothing else");
    }

    [Fact]
    public void Only_what_is_called_absent_is_removed_and_its_snapshots_only_if_that_is_said()
    {
        Find(new DesiredVolume { Absent = true }, null).ShouldBeNull();
        Find(new DesiredVolume { Absent = true }, Volume(1))!.Request.ShouldBe(new DeleteVolume { Pool = new("data"), Volume = new("a") });
        Find(new DesiredVolume { Absent = true, WithSnapshots = true }, Volume(1))!.Request.ShouldBe(new DeleteVolume { Pool = new("data"), Volume = new("a"), WithSnapshots = true });
    }

    [Fact]
    public void A_file_system_is_made_and_then_as_it_is_to_be_mounted()
        => Requests(new DesiredFileSystem { Size = ByteSize.GiB(1), At = "x/y", Kind = "xfs", Reserved = true, Mounted = false, ReadOnly = true }, null).ShouldBe(
        [
            new CreateFileSystem { Pool = new("data"), Volume = new("a"), Size = ByteSize.GiB(1), At = "x/y", Kind = "xfs", Reserved = true },
            new SetFileSystem { Pool = new("data"), Volume = new("a"), ReadOnly = true },
            new UnmountFileSystem { Pool = new("data"), Volume = new("a") },
        ]);

    [Fact]
    public void A_file_system_that_is_there_gets_what_differs_and_no_more()
    {
        Requests(new DesiredFileSystem { Size = ByteSize.GiB(1), At = "a" }, Mounted()).ShouldBe([null]);
        Requests(new DesiredFileSystem { Size = ByteSize.GiB(1), At = "b" }, Mounted()).ShouldBe([new SetFileSystem { Pool = new("data"), Volume = new("a"), At = "b" }]);
        Requests(new DesiredFileSystem { Size = ByteSize.GiB(2), Mounted = false }, Mounted()).ShouldBe(
            [new ResizeVolume { Pool = new("data"), Volume = new("a"), Size = ByteSize.GiB(2) }, new UnmountFileSystem { Pool = new("data"), Volume = new("a") }]);
        Requests(new DesiredFileSystem { Size = ByteSize.GiB(1) }, Mounted() with { Mounted = false, Wanted = false }).ShouldBe([null], "a file that does not say whether it is mounted leaves that as it is");
        Requests(new DesiredFileSystem { Size = ByteSize.GiB(1), Mounted = true }, Mounted() with { Mounted = false, Wanted = false }).ShouldBe([new MountFileSystem { Pool = new("data"), Volume = new("a") }]);
    }

    [Fact]
    public void A_file_system_of_another_kind_is_refused()
        => FileSystemDifference.Find(s_address, new() { Size = ByteSize.GiB(1), Kind = "xfs" }, FoundOf(Volume(1) with { Form = VolumeForm.FileSystem }, Mounted())).ShouldHaveSingleItem()!
            .Refusal!.Message.ShouldContain("is ext4, and not xfs");

    [Fact]
    public void An_export_is_compared_with_its_hosts_their_keys_and_its_limits()
    {
        DesiredExport desired = new() { Hosts = new Dictionary<string, DesiredHost> { ["nqn.h"] = new("k", "") }, Iops = 5, ReadOnly = false };
        ExportReport same = Export() with { Keys = new Dictionary<string, string> { ["nqn.h"] = "k" }, Limits = new() { Iops = 5 } };

        Find(desired, same).ShouldBeNull();
        Find(desired, same with { Keys = new Dictionary<string, string>() }).ShouldNotBeNull();
        Find(desired, same with { ControllerKeys = new Dictionary<string, string> { ["nqn.h"] = "c" } }).ShouldNotBeNull();
        Find(desired, same with { Limits = null }).ShouldNotBeNull();
        Find(desired, same with { ReadOnly = true }).ShouldNotBeNull();
        Find(desired, same with { AllowedHosts = ["nqn.h", "nqn.other"] }).ShouldNotBeNull();
        Find(desired with { NamespaceId = 4 }, same).ShouldNotBeNull();
        Find(desired, same with { Transport = "loop" })!.Does.ShouldContain("export it by tcp: nqn.h gets access");
    }

    [Fact]
    public void What_a_file_leaves_out_of_an_export_is_not_asked_for_as_it_was_seen()
    {
        ExportReport there = Export() with { ReadOnly = true, Keys = new Dictionary<string, string> { ["nqn.h"] = "k" }, ControllerKeys = new Dictionary<string, string> { ["nqn.h"] = "c" }, Limits = new() { Iops = 5, Bandwidth = ByteSize.MiB(1) } };

        Find(new DesiredExport(), there).ShouldBeNull();
        Find(new DesiredExport { Hosts = new Dictionary<string, DesiredHost> { ["nqn.h"] = new(null, null) } }, there).ShouldBeNull();
        AddExport change = Find(new DesiredExport { Iops = 7 }, there)!.Request.ShouldBeOfType<AddExport>();

        (change.AllowedHosts, change.ReadOnly, change.Subsystem, change.NamespaceId).ShouldBe((null, null, null, null));
        change.Limits.ShouldBe(new ExportLimits { Iops = 7 });
        change.ControllerKeys.ShouldBeEmpty();
    }

    [Fact]
    public void What_a_file_calls_null_is_as_of_a_new_export()
    {
        ExportReport there = Export() with { ReadOnly = true, Keys = new Dictionary<string, string> { ["nqn.h"] = "k" }, Limits = new() { Iops = 5, Bandwidth = ByteSize.MiB(1) } };
        Problems problems = new();
        DesiredState file = DesiredReader.Read(Encoding.UTF8.GetBytes(
            """{ "exports": { "data/a": { "tcp": { "hosts": { "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000001": { "key": null } }, "readOnly": null, "iops": null, "bandwidth": null } } } }"""), problems);

        AddExport change = Find(file.Exports.Values.Single(), there)!.Request.ShouldBeOfType<AddExport>();

        problems.Lines.ShouldBeEmpty();
        (change.ReadOnly, change.Limits).ShouldBe((false, new ExportLimits { Iops = 0, Bandwidth = default(ByteSize) }));
        change.AllowedHosts!.Values.ShouldBe([""]);
    }

    private static DesiredChange? Find(DesiredVolume desired, VolumeReport? there) => VolumeDifference.Find(s_address, desired, FoundOf(there, null)).ShouldHaveSingleItem();

    private static DesiredChange? Find(DesiredExport desired, ExportReport there)
        => ExportDifference.Find(new(s_address, "tcp"), desired, FoundOf(Volume(1) with { Exports = [there] }, null)).ShouldHaveSingleItem();

    private static ChangeRequest?[] Requests(DesiredFileSystem desired, FileSystemReport? there)
        => [.. FileSystemDifference.Find(s_address, desired, FoundOf(there is null ? null : Volume(1) with { Form = VolumeForm.FileSystem }, there)).Select(change => change?.Request)];

    private static Found FoundOf(VolumeReport? volume, FileSystemReport? fileSystem) => new(
        new Dictionary<PoolName, PoolReport>(),
        volume is null ? new Dictionary<VolumeAddress, VolumeReport>() : new() { [s_address] = volume },
        fileSystem is null ? new Dictionary<VolumeAddress, FileSystemReport>() : new() { [s_address] = fileSystem });

    private static VolumeReport Volume(int gibibytes) => new()
    {
        Pool = new("data"),
        Name = new("a"),
        Id = Guid.Empty,
        Form = VolumeForm.Block,
        Size = ByteSize.GiB(gibibytes),
        Allocated = default,
        Traits = VolumeTraits.Thin,
        Path = "/a",
    };

    private static FileSystemReport Mounted() => new()
    {
        Pool = new("data"),
        Name = new("a"),
        Id = Guid.Empty,
        Kind = "ext4",
        Quota = ByteSize.GiB(1),
        Reserved = false,
        Allocated = default,
        At = "a",
        Wanted = true,
        Mounted = true,
        ReadOnly = false,
        Traits = VolumeTraits.Thin,
        Layers = ["ext4"],
    };

    private static ExportReport Export() => new()
    {
        Volume = "data/a",
        VolumeId = Guid.Empty,
        Transport = "tcp",
        Subsystem = "nqn.s",
        NamespaceId = 3,
        AllowedHosts = ["nqn.h"],
        ReadOnly = false,
    };
}
