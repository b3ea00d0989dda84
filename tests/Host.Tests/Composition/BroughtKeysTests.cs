using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>Keys that somebody else brings, as systemd does, or who unlocks a machine at its start.</summary>
public sealed class BroughtKeysTests : IAsyncLifetime
{
    private static readonly PoolName s_pool = new("data");
    private readonly LayeredPool _host = new("UnderPool");

    public ValueTask InitializeAsync()
    {
        _host.MakeDrive("pool");
        File.WriteAllBytes(Brought, [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        File.SetUnixFileMode(Brought, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return ValueTask.CompletedTask;
    }

    private string Brought => Path.Combine(_host.Keys, "pool-data");

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("key-credential")]
    [InlineData("key-file")]
    public async Task A_pool_is_made_with_a_key_that_is_there_and_leaves_it_alone_when_it_goes(string source)
    {
        _host.KeySource = source;
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = s_pool });

        OperationReport deleted = await _host.RunAsync(new DeletePool { Pool = s_pool });

        deleted.State.ShouldBe(OperationState.Succeeded, deleted.Error?.Message);
        deleted.Results["kept-keys"].ShouldBe("pool-data");
        File.Exists(Brought).ShouldBeTrue();
    }

    [Fact]
    public async Task A_change_of_keys_leaves_the_one_that_was_brought_alone_and_says_so()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = s_pool });

        OperationReport changed = await _host.RunAsync(new RekeyPool { Pool = s_pool });

        changed.State.ShouldBe(OperationState.Succeeded, changed.Error?.Message);
        changed.Results["kept-keys"].ShouldBe("pool-data");
        changed.Results["key"].ShouldStartWith("pool-data-");
        File.Exists(Brought).ShouldBeTrue();
    }

    [Fact]
    public async Task A_key_that_nobody_brought_is_missed_before_anything_is_done()
    {
        _host.KeySource = "key-credential";
        File.Delete(Brought);
        await _host.StartAsync();

        StorageException refused = await _host.RefusedAsync(new CreatePool { Pool = s_pool });

        refused.Kind.ShouldBe(StorageErrorKind.NotSupported);
        refused.Subject.ShouldBe("key pool-data");
    }

    [Fact]
    public async Task A_key_that_opens_another_pool_too_outlives_a_pool()
    {
        PoolName other = new("other");
        File.Delete(Brought);
        _host.Pools = _ => $$"""{ "data": {{PoolOn("a")}}, "other": {{PoolOn("b")}} }""";
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = s_pool }, new CreatePool { Pool = other });

        await _host.DoAsync(new DeletePool { Pool = s_pool });
        await _host.RebootAsync();

        (await _host.Api.GetPoolAsync(other, default)).Created.ShouldBeTrue();
        (await _host.Api.ListKeysAsync(default)).ShouldBe([new KeyName("shared")]);
    }

    private string PoolOn(string drive)
        => $$"""{ "Kind": "shelf", "Devices": [ "{{_host.MakeDrive(drive)}}" ], "Layers": [ { "Kind": "note", "Placement": "UnderPool", "Key": "shared", "Options": { "Directory": "{{_host.Layers}}" } } ] }""";
}
