using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>What ZFS answered in the lab, asked in the very words that we ask it in.</summary>
public sealed class RecordedTests : IDisposable
{
    private readonly Replayed _zfs = new();

    private Zpool Tank => new(_zfs.Tools, "tank");

    [Fact]
    public async Task Volumes_and_snapshots_of_ours_are_told_from_others()
    {
        IReadOnlyList<Dataset> all = await Tank.ListAsync(CancellationToken.None);

        all.Where(dataset => dataset.Mark is not null).Select(dataset => Tank.NameOf(dataset)).ShouldBe([new VolumeName("vm1"), new VolumeName("vm2"), new VolumeName("newlog")], ignoreOrder: true);
        Dataset volume = all.Single(dataset => dataset.Leaf == "vm1");
        volume.Size.ShouldBe(ByteSize.MiB(8));
        volume.IsReserved.ShouldBeFalse();
        volume.Id.ShouldBe(new Guid("22222222-2222-2222-2222-222222222222"));
        all.Single(dataset => dataset.Leaf == "foreign").IsReserved.ShouldBeTrue();
        Dataset snapshot = ZfsPool.SnapshotIn(all, new(new("vm1"), "before")).ShouldNotBeNull();
        snapshot.SnapshotId.ShouldBe(new Guid("44444444444444444444444444444444"));
        snapshot.Clones.ShouldBe(["tank/volumes/vm2"]);
        snapshot.Created.ShouldBe(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
        ZfsPool.SnapshotIn(all, new(new("vm1"), "foreign")).ShouldBeNull();
        all.Single(dataset => dataset.IsLeaving).IsDeferred.ShouldBeTrue();
    }

    [Fact]
    public async Task A_file_system_tells_its_limits_and_how_it_is_compressed()
    {
        IReadOnlyList<Dataset> all = await Tank.ListAsync(CancellationToken.None);

        Dataset newlog = Tank.In(all, new("newlog")).ShouldNotBeNull();
        newlog.Form.ShouldBe(VolumeForm.FileSystem);
        newlog.Limits.ShouldBe(new(ByteSize.MiB(32), ByteSize.MiB(8)));
        (newlog.IsReserved, newlog.Compression).ShouldBe((false, "zstd"));
        newlog.Limited.ShouldBe($"{new Guid("55555555-5555-5555-5555-555555555555")}:{16 << 20}:0");
        ZfsPool.SnapshotIn(all, new(new("newlog"), "frozen")).ShouldNotBeNull().SnapshotId.ShouldBe(new Guid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    }

    [Fact]
    public async Task What_is_not_there_is_an_empty_list_and_no_error()
    {
        (await Tank.ListAsync(new VolumeName("nosuch"), CancellationToken.None)).ShouldBeEmpty();
        (await PoolFacts.FindAsync(new(_zfs.Tools, "nosuch"), CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task A_pool_s_marks_are_read()
    {
        PoolFacts facts = (await PoolFacts.FindAsync(Tank, CancellationToken.None)).ShouldNotBeNull();

        facts.Comment.ShouldBe(OwnerMark.Of(Guid.Empty));
        facts.Id.ShouldBe(new Guid("11111111-1111-1111-1111-111111111111"));
        facts.Redundancy.ShouldBe(PoolRedundancy.Mirror);
        facts.Key.ShouldBeNull();
        Should.Throw<StorageException>(() => facts.RequireOurs(new("other"), "tank")).Kind.ShouldBe(StorageErrorKind.Conflict);
        Should.NotThrow(() => facts.RequireOurs(new("data"), "tank"));
    }

    [Fact]
    public async Task A_volume_s_properties_hold_its_record()
        => RecordText.Read(await Tank.PropertiesAsync("tank/volumes/vm1", CancellationToken.None), "data/vm1").ShouldBe("""{"format":1}"""u8.ToArray());

    [Theory]
    [InlineData("zfs destroy tank/vol/c0", StorageErrorKind.Busy)]
    [InlineData("zfs destroy tank/volumes/foreign", StorageErrorKind.Busy)]
    [InlineData("zfs create -V 100g tank/vol/toolarge", StorageErrorKind.OutOfSpace)]
    [InlineData("zfs create -V 64m tank/vol/d0", StorageErrorKind.Conflict)]
    [InlineData("zfs clone tank/vol/d0@s1 tank/vol/c0", StorageErrorKind.Conflict)]
    [InlineData("zfs clone tank/vol/d0@nosuch tank/vol/c9", StorageErrorKind.NotFound)]
    [InlineData("zfs destroy tank/nosuch", StorageErrorKind.NotFound)]
    [InlineData("zpool list -Hp nosuch", StorageErrorKind.NotFound)]
    [InlineData("zpool import nosuch", StorageErrorKind.NotFound)]
    [InlineData("zfs destroy tank/volumes/vm1", StorageErrorKind.Io)]
    [InlineData("zfs set volsize=70000001 tank/volumes/vm1", StorageErrorKind.Io)]
    [InlineData("zfs set refquota=4194304 tank/volumes/newlog", StorageErrorKind.OutOfSpace)]
    [InlineData("zfs set refreservation=2147483648 tank/volumes/newlog", StorageErrorKind.OutOfSpace)]
    [InlineData("zfs never recorded", StorageErrorKind.Io)]
    public async Task A_failure_says_of_which_kind_it_is(string command, StorageErrorKind kind)
    {
        string[] words = command.Split(' ');

        StorageException refused = await Should.ThrowAsync<StorageException>(() => words[0] == "zfs"
            ? _zfs.Tools.ZfsAsync("data", words[1..], CancellationToken.None)
            : _zfs.Tools.ZpoolAsync("data", words[1..], CancellationToken.None));

        refused.Kind.ShouldBe(kind);
        refused.Message.ShouldStartWith($"data: {words[0]} {words[1]}: ");
    }

    [Theory]
    [InlineData("receive tank/corrupt", StorageErrorKind.Corrupt)]
    [InlineData("receive tank/trunc", StorageErrorKind.Corrupt)]
    [InlineData("receive -s tank/trunc2", StorageErrorKind.Corrupt)]
    [InlineData("receive tank/bad", StorageErrorKind.Corrupt)]
    [InlineData("receive tank/ok", StorageErrorKind.Conflict)]
    [InlineData("receive tank/ok2", StorageErrorKind.NotFound)]
    public async Task A_stream_that_ZFS_refuses_is_refused_of_which_kind_it_is(string command, StorageErrorKind kind)
    {
        StorageException refused = await Should.ThrowAsync<StorageException>(
            () => _zfs.Tools.ReceiveAsync("data/vm1", command.Split(' '), async (input, token) => await input.WriteAsync(new byte[1 << 20], token), CancellationToken.None));

        refused.Kind.ShouldBe(kind);
        refused.Message.ShouldStartWith("data/vm1: zfs receive: ");
    }

    [Fact]
    public async Task A_stream_that_can_t_be_read_is_told_of_as_that_and_not_as_what_ZFS_says_of_it()
    {
        StorageException refused = await Should.ThrowAsync<StorageException>(() => _zfs.Tools.ReceiveAsync(
            "data/vm1", ["receive", "tank/trunc"], static (_, _) => throw new StorageException(StorageErrorKind.Unavailable, "image", "its server went away"), CancellationToken.None));

        refused.Message.ShouldBe("image: its server went away");
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(2, 1)]
    public async Task A_status_is_the_same_as_JSON_and_as_text(int major, int minor)
    {
        PoolReport report = await PoolReport.AskAsync(Tank, new(major, minor), CancellationToken.None);

        report.State.ShouldBe("ONLINE");
        report.Errors.ShouldBe(0);
        report.Groups.Single().Type.ShouldBe("mirror");
        report.Drives.Select(drive => drive.Path).ShouldBe(["/run/f1", "/run/f2"]);
        report.Drives.ShouldAllBe(drive => drive.Guid.Length > 10 && drive.State == "ONLINE" && !drive.Failures.Any);
    }

    [Theory]
    [InlineData("offline")]
    [InlineData("repaired")]
    public void Text_tells_all_of_a_pool_in_trouble_that_JSON_does(string state)
    {
        PoolReport json = PoolReportJson.Read(Said($"{state}-j"), "tank");
        PoolReport text = PoolReportText.Read(Said($"{state}-p"), Said($"{state}-g"), "tank");

        text.State.ShouldBe(json.State);
        text.Errors.ShouldBe(json.Errors);
        text.Drives.Select(drive => (drive.Guid, drive.Path, drive.State, drive.Failures)).ShouldBe(json.Drives.Select(drive => (drive.Guid, drive.Path, drive.State, drive.Failures)));
        text.Scan.ShouldBe(json.Scan);
        json.Drives.Any(drive => drive.State == "OFFLINE" || drive.Failures.Checksums > 0).ShouldBeTrue();
    }

    public void Dispose() => _zfs.Dispose();

    private static string Said(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures/states", $"{name}.out"));
}
