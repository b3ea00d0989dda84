using EveStorage.Cli.Api;

namespace EveStorage.Tests;

public sealed class LayerUnderPoolTests : IAsyncLifetime
{
    private static readonly PoolName s_pool = new("data");
    private static readonly CreateVolume s_create = new() { Pool = s_pool, Volume = new("vm1"), Size = ByteSize.MiB(8), Traits = VolumeTraits.Thin | VolumeTraits.Encrypted };
    private readonly LayeredPool _host = new("UnderPool");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_host["pool"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = s_pool });
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_pool_over_a_layer_gives_what_the_layer_adds()
    {
        await _host.DoAsync(s_create);

        (await _host.Api.ListKeysAsync(default)).ShouldBe([new KeyName("pool-data")]);
        VolumeReport volume = await _host.Api.GetVolumeAsync(s_pool, new("vm1"), default);
        volume.Traits.ShouldBe(volume.Traits | VolumeTraits.Encrypted);
        volume.Layers.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_start_opens_the_layer_with_the_key_that_is_there()
    {
        await _host.DoAsync(s_create);
        Close();

        await _host.StartAsync();

        (await _host.Api.ListVolumesAsync(null, default)).ShouldHaveSingleItem().Name.ShouldBe(new VolumeName("vm1"));
    }

    [Fact]
    public async Task Without_its_key_it_is_locked_and_says_so_and_nothing_is_made_in_its_place()
    {
        Close();
        Directory.Delete(Path.Combine(_host.Keys, "pool-data"), recursive: true);
        await _host.StartAsync();
        string[] before = [.. _host.KeyFiles];

        PoolReport pool = await _host.Api.GetPoolAsync(s_pool, default);

        pool.Created.ShouldBeFalse();
        pool.Reasons.ShouldHaveSingleItem().ShouldContain("is locked: its key pool-data is not there");
        _host.KeyFiles.ShouldBe(before);
    }

    [Fact]
    public async Task One_whose_drive_was_swapped_for_a_blank_one_is_missing_and_nothing_is_formatted()
    {
        await _host.EndAsync();
        Close();
        Directory.Move(_host["pool"], _host["pool-away"]);
        _host.MakeDrive("pool");
        await _host.StartAsync();

        StorageException refused = await _host.RefusedAsync(new CreatePool { Pool = s_pool });

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        refused.Message.ShouldContain("is missing");
        Directory.EnumerateFileSystemEntries(_host["pool"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_person_locks_stays_locked_until_it_is_unlocked()
    {
        await _host.DoAsync(new LockPool { Pool = s_pool });
        await _host.StartAsync();

        (await _host.Api.GetPoolAsync(s_pool, default)).Reasons.ShouldHaveSingleItem().ShouldBe("data: is locked: `evestorage pool unlock data`");
        await _host.DoAsync(new UnlockPool { Pool = s_pool });

        (await _host.Api.GetPoolAsync(s_pool, default)).Created.ShouldBeTrue();
    }

    [Fact]
    public async Task A_new_key_opens_it_at_the_next_start_and_the_one_before_is_gone()
    {
        await _host.DoAsync(new RekeyPool { Pool = s_pool });
        Close();
        await _host.StartAsync();

        KeyName key = (await _host.Api.ListKeysAsync(default)).ShouldHaveSingleItem();
        $"{key}".ShouldStartWith("pool-data-");
        (await _host.Api.GetPoolAsync(s_pool, default)).Created.ShouldBeTrue();
    }

    [Fact]
    public async Task A_pool_that_exports_is_not_locked()
    {
        await _host.StartAsync(serve: true);
        await _host.DoAsync(s_create, new AddExport { Pool = s_pool, Volume = new("vm1"), AllowedHosts = new Dictionary<string, string?> { ["nqn.2014-08.org.example:h"] = null } });

        (await Should.ThrowAsync<StorageException>(() => _host.RunAsync(new LockPool { Pool = s_pool }))).Kind.ShouldBe(StorageErrorKind.Busy);
    }

    [Fact]
    public async Task What_was_exported_is_served_again_once_its_pool_can_be_opened()
    {
        string key = Path.Combine(_host.Keys, "pool-data");
        await _host.StartAsync(serve: true);
        await _host.DoAsync(s_create, new AddExport { Pool = s_pool, Volume = new("vm1"), AllowedHosts = new Dictionary<string, string?> { ["nqn.2014-08.org.example:h"] = null } });
        await _host.EndAsync();
        Close();
        Directory.Move(key, _host["key-away"]);
        await _host.StartAsync(serve: true);
        (await _host.Api.GetPoolAsync(s_pool, default)).Created.ShouldBeFalse();

        Directory.Move(_host["key-away"], key);
        await _host.DoAsync(new UnlockPool { Pool = s_pool });

        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        while ((await _host.Api.ListExportsAsync(limit.Token)).Single().Address is null)
        {
            await Task.Delay(100, limit.Token);
        }
    }

    // As a reboot leaves it.
    private void Close()
    {
        foreach (string open in _host.LayerFiles.ToArray())
        {
            File.Delete(open);
        }
    }
}
