using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>A pool over several drives, each with a layer of its own.</summary>
public sealed class PoolOfDrivesTests : IAsyncLifetime
{
    private static readonly PoolName s_pool = new("data");
    private readonly LayeredPool _host = new("UnderPool", "a", "b");

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = s_pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_drive_that_was_added_is_open_after_a_start_though_the_profile_does_not_name_it()
    {
        OperationReport added = await AddAsync("c");

        await _host.RebootAsync();

        added.Results["add-to-profile"].ShouldBe(_host["c"]);
        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_drive_that_was_added_stays_open_when_the_profile_names_it_in_another_way()
    {
        await AddAsync("c");
        Directory.CreateSymbolicLink(_host["link"], _host["c"]);
        _host.Drives = ["a", "b", "link"];
        string[] open = [.. _host.LayerFiles.Order()];

        await _host.StartAsync();

        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
        _host.LayerFiles.Order().ShouldBe(open);
    }

    [Fact]
    public async Task A_drive_that_could_not_be_added_is_not_looked_for()
    {
        await File.WriteAllLinesAsync(Path.Combine(_host.MakeDrive("c"), "header"), ["somebody", "digest", "operation"]);

        (await _host.RunAsync(new AddDrive { Pool = s_pool, Device = _host["c"] })).State.ShouldBe(OperationState.Failed);

        Directory.EnumerateFiles(_host["state/drives"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_change_of_keys_reaches_a_drive_that_the_profile_does_not_name()
    {
        await AddAsync("c");
        await _host.DoAsync(new RekeyPool { Pool = s_pool });

        await _host.RebootAsync();

        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
        (await _host.Api.ListKeysAsync(default)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_drive_that_comes_after_a_change_of_keys_gets_the_new_one()
    {
        await _host.DoAsync(new RekeyPool { Pool = s_pool });

        await AddAsync("c");
        await _host.RebootAsync();

        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_key_is_not_changed_while_a_drive_that_would_keep_the_one_before_is_away()
    {
        _host.Unplug("b");
        await _host.RebootAsync();

        StorageException refused = await _host.RefusedAsync(new RekeyPool { Pool = s_pool });

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        _host.Plug("b");
        await _host.RebootAsync();
        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_key_is_not_changed_while_the_pool_has_a_drive_that_is_known_to_nobody_here()
    {
        await AddAsync("c");
        File.Delete(_host["state/drives/data.json"]);
        await _host.StartAsync();

        StorageException refused = await _host.RefusedAsync(new RekeyPool { Pool = s_pool });

        refused.Message.ShouldContain("drive-c");
        (await _host.Api.ListKeysAsync(default)).ShouldBe([new KeyName("pool-data")]);
    }

    [Fact]
    public async Task Locking_closes_the_drives_that_were_added_too()
    {
        await AddAsync("c");

        await _host.DoAsync(new LockPool { Pool = s_pool });

        _host.LayerFiles.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_looked_at_while_it_is_being_locked_is_not_opened_again()
    {
        await File.WriteAllTextAsync(Path.Combine(_host["b"], "hold"), "");
        Guid locking = await StartLockingAsync();

        await _host.Api.GetPoolAsync(s_pool, default);
        File.Delete(Path.Combine(_host["b"], "hold"));
        OperationReport locked = await _host.Api.WatchOperationAsync(locking, default).LastAsync();

        locked.State.ShouldBe(OperationState.Succeeded, locked.Error?.Message);
        _host.LayerFiles.ShouldBeEmpty();
    }

    [Fact]
    public async Task Locking_fails_if_somebody_else_opened_a_layer_meanwhile_and_the_pool_stays_usable()
    {
        string[] open = [.. _host.LayerFiles];
        await File.WriteAllTextAsync(Path.Combine(_host["b"], "hold"), "");
        Guid locking = await StartLockingAsync();

        await File.WriteAllTextAsync(open.Single(path => !File.Exists(path)), "");
        File.Delete(Path.Combine(_host["b"], "hold"));
        OperationReport locked = await _host.Api.WatchOperationAsync(locking, default).LastAsync();

        locked.State.ShouldBe(OperationState.Failed);
        locked.Error!.Kind.ShouldBe(StorageErrorKind.Busy);
        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_pool_that_has_lost_a_drive_is_unlocked_without_it()
    {
        await _host.DoAsync(new LockPool { Pool = s_pool });
        _host.Unplug("b");

        await _host.DoAsync(new UnlockPool { Pool = s_pool });

        (await HealthAsync()).ShouldBe(PoolHealth.Degraded);
    }

    [Fact]
    public async Task A_pool_that_can_not_be_unlocked_stays_locked_and_closed()
    {
        await _host.DoAsync(new LockPool { Pool = s_pool });
        Directory.Move(Path.Combine(_host.Keys, "pool-data"), _host["key"]);

        (await _host.RunAsync(new UnlockPool { Pool = s_pool })).State.ShouldBe(OperationState.Failed);

        _host.LayerFiles.ShouldBeEmpty();
        (await _host.Api.GetPoolAsync(s_pool, default)).Reasons.ShouldHaveSingleItem().ShouldContain("pool unlock");
    }

    [Fact]
    public async Task A_list_of_volumes_asks_the_pool_once()
    {
        await _host.Api.ListVolumesAsync(null, default);

        (await File.ReadAllLinesAsync(_host["a/inside/asked"])).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("drive-b")]
    [InlineData("link")]
    public async Task A_drive_leaves_by_whatever_it_is_called_and_what_it_held_is_unreadable(string called)
    {
        Directory.CreateSymbolicLink(_host["link"], _host["b"]);

        OperationReport removed = await _host.RunAsync(new RemoveDrive { Pool = s_pool, Drive = called == "link" ? _host["link"] : called });

        removed.State.ShouldBe(OperationState.Succeeded, removed.Error?.Message);
        removed.Results["remove-from-profile"].ShouldBe(_host["b"]);
        File.Exists(Path.Combine(_host["b"], "header")).ShouldBeFalse();
        _host.LayerFiles.Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_drive_that_is_replaced_is_closed_and_what_it_held_is_unreadable()
    {
        _host.MakeDrive("c");

        await _host.DoAsync(new ReplaceDrive { Pool = s_pool, Drive = "drive-b", Device = _host["c"] });

        File.Exists(Path.Combine(_host["b"], "header")).ShouldBeFalse();
        _host.LayerFiles.Count().ShouldBe(2);
        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_drive_that_is_gone_is_replaced()
    {
        _host.MakeDrive("c");
        _host.Unplug("b");
        await _host.RebootAsync();

        await _host.DoAsync(new ReplaceDrive { Pool = s_pool, Drive = "drive-b", Device = _host["c"] });

        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_deletion_that_was_cut_short_between_two_drives_is_finished_by_the_next_start()
    {
        string header = Path.Combine(_host["b"], "header");
        byte[] before = await File.ReadAllBytesAsync(header);
        Directory.CreateDirectory(_host["kept"]);
        File.Copy(Path.Combine(_host.Keys, "pool-data", "key"), _host["kept/key"]);
        await _host.DoAsync(new DeletePool { Pool = s_pool });
        await File.WriteAllBytesAsync(header, before);
        File.Copy(_host["kept/key"], Path.Combine(_host.Keys, "pool-data"));
        File.SetUnixFileMode(Path.Combine(_host.Keys, "pool-data"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Guid deletion = await CutShortAsync();

        await _host.StartAsync();

        (await _host.Api.GetOperationAsync(deletion, default)).State.ShouldBe(OperationState.Succeeded);
        File.Exists(header).ShouldBeFalse();
        _host.LayerFiles.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_drive_that_had_left_when_the_host_was_cut_short_is_erased_by_the_next_start(bool replaced)
    {
        string header = Path.Combine(_host["b"], "header");
        byte[] before = await File.ReadAllBytesAsync(header);
        await _host.DoAsync(replaced
            ? new ReplaceDrive { Pool = s_pool, Drive = _host["b"], Device = _host.MakeDrive("c") }
            : new RemoveDrive { Pool = s_pool, Drive = _host["b"] });
        await File.WriteAllBytesAsync(header, before);
        Guid change = await CutShortAsync();

        await _host.StartAsync();

        (await _host.Api.GetOperationAsync(change, default)).State.ShouldBe(OperationState.Succeeded);
        File.Exists(header).ShouldBeFalse();
        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    [Fact]
    public async Task A_key_that_is_no_drives_any_more_when_a_change_of_keys_is_cut_short_is_forgotten_by_the_next_start()
    {
        string key = Path.Combine(_host.Keys, "pool-data");
        Copy(key, _host["kept"]);
        string hold = Path.Combine(_host["b"], "hold");
        await File.WriteAllTextAsync(hold, "");
        Guid change = await _host.Api.SubmitAsync(new RekeyPool { Pool = s_pool }, null, default);
        string journal = Path.Combine(_host["state/operations"], $"{change}.json");
        byte[] running = await File.ReadAllBytesAsync(journal);
        File.Delete(hold);
        (await _host.Api.WatchOperationAsync(change, default).LastAsync()).State.ShouldBe(OperationState.Succeeded);
        await _host.EndAsync();
        Copy(_host["kept"], key);
        await File.WriteAllBytesAsync(journal, running);

        await _host.StartAsync();

        (await _host.Api.GetOperationAsync(change, default)).State.ShouldBe(OperationState.Succeeded);
        $"{(await _host.Api.ListKeysAsync(default)).ShouldHaveSingleItem()}".ShouldStartWith("pool-data-");
        (await HealthAsync()).ShouldBe(PoolHealth.Healthy);
    }

    // The journal says of the last operation that it runs, as a crash leaves it.
    private async Task<Guid> CutShortAsync()
    {
        await _host.EndAsync();
        string journal = Directory.EnumerateFiles(_host["state/operations"], "*.json").MaxBy(File.GetLastWriteTimeUtc)!;
        OperationDocument ended = OperationDocument.Read(await File.ReadAllBytesAsync(journal), journal);
        await File.WriteAllBytesAsync(journal, (ended with { Operation = ended.Operation with { State = OperationState.Running, Ended = null } }).Write());
        return ended.Operation.Id;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (string file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    private async Task<OperationReport> AddAsync(string drive)
    {
        OperationReport added = await _host.RunAsync(new AddDrive { Pool = s_pool, Device = _host.MakeDrive(drive) });
        added.State.ShouldBe(OperationState.Succeeded, added.Error?.Message);
        return added;
    }

    // It stands at the second of two layers: one is closed by then.
    private async Task<Guid> StartLockingAsync()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        Guid id = await _host.Api.SubmitAsync(new LockPool { Pool = s_pool }, null, default);
        while (_host.LayerFiles.Count() > 1)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token);
        }

        return id;
    }

    private async Task<PoolHealth?> HealthAsync()
    {
        PoolReport pool = await _host.Api.GetPoolAsync(s_pool, default);
        pool.Reasons.ShouldBeEmpty();
        return pool.Status?.Health;
    }
}
