using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>A pool that can't be looked at now is one that may be full.</summary>
public sealed class ClosedPoolTests : IAsyncLifetime
{
    private static readonly PoolName s_pool = new("data");
    private static readonly VolumeName s_volume = new("vm1");
    private static readonly DeletePool s_delete = new() { Pool = s_pool };
    private readonly LayeredPool _host = new("UnderPool");

    public async ValueTask InitializeAsync()
    {
        _host.MakeDrive("pool");
        await (await _host.StartAsync()).DoAsync(
            new CreatePool { Pool = s_pool },
            new CreateVolume { Pool = s_pool, Volume = s_volume, Size = ByteSize.MiB(8), Traits = VolumeTraits.Thin | VolumeTraits.Encrypted });
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_locked_pool_is_not_deleted_and_keeps_its_volumes()
    {
        await _host.DoAsync(new LockPool { Pool = s_pool });

        StorageException refused = await _host.RefusedAsync(s_delete);

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        await _host.DoAsync(new UnlockPool { Pool = s_pool });
        await ShouldHaveItsVolumeAsync();
    }

    [Fact]
    public async Task A_pool_whose_key_is_missing_is_not_deleted_and_keeps_its_volumes()
    {
        string key = Path.Combine(_host.Keys, "pool-data");
        Directory.Move(key, _host["key"]);
        await _host.RebootAsync();

        StorageException refused = await _host.RefusedAsync(s_delete);

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        Directory.Move(_host["key"], key);
        await ShouldHaveItsVolumeAsync();
    }

    [Fact]
    public async Task A_pool_whose_drive_is_away_is_not_deleted_and_keeps_its_key_and_its_volumes()
    {
        _host.Unplug("pool");
        await _host.RebootAsync();

        StorageException refused = await _host.RefusedAsync(s_delete);

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        refused.Message.ShouldContain(_host["pool"]);
        _host.Plug("pool");
        await ShouldHaveItsVolumeAsync();
    }

    [Fact]
    public async Task A_pool_that_is_seen_to_be_empty_is_deleted_with_its_layer_and_its_key()
    {
        await _host.DoAsync(new DeleteVolume { Pool = s_pool, Volume = s_volume }, s_delete);

        _host.LayerFiles.ShouldBeEmpty();
        _host.KeyFiles.ShouldBeEmpty();
        File.Exists(Path.Combine(_host["pool"], "header")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_key_is_not_deleted_while_a_pool_that_may_need_it_can_not_be_opened()
    {
        await _host.DoAsync(new CreateKey { Key = new("other") });
        _host.Unplug("pool");
        await _host.RebootAsync();

        StorageException refused = await _host.RefusedAsync(new DeleteKey { Key = new("other") });

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        refused.Message.ShouldContain("may be needed in pool data");
    }

    [Fact]
    public async Task A_drive_that_is_away_is_named_and_its_pool_is_not_called_one_that_was_never_made()
    {
        const string Away = "/dev/disk/by-id/evestorage-away";
        _host.Pools = _ => $$"""{ "data": { "Kind": "file", "Devices": [ "{{Away}}" ] } }""";
        await _host.StartAsync();

        PoolReport pool = await _host.Api.GetPoolAsync(s_pool, default);
        StorageException refused = await _host.RefusedAsync(new CreatePool { Pool = s_pool });

        pool.Reasons.ShouldHaveSingleItem().ShouldContain($"{Away} is not there");
        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        (await _host.Api.DiagnoseAsync(default)).ShouldAllBe(finding => finding.Command == null);
    }

    private async Task ShouldHaveItsVolumeAsync()
        => (await _host.Api.ListVolumesAsync(s_pool, default)).ShouldHaveSingleItem().Name.ShouldBe(s_volume);
}
