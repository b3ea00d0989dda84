using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>What an export may be limited to.</summary>
public sealed class ExportLimitTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    public static TheoryData<long?, long?> None => new() { { 0, null }, { -5, null }, { null, 0 } };

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync(serve: true)).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [MemberData(nameof(None))]
    public async Task A_limit_that_lets_nothing_through_is_refused_before_anything_is_recorded(long? iops, long? bandwidth)
    {
        AddExport request = new()
        {
            Pool = TestEngine.Pool,
            Volume = new("vm1"),
            AllowedHosts = new Dictionary<string, string?> { ["nqn.2014-08.org.example:h"] = null },
            Limits = new() { Iops = iops, Bandwidth = bandwidth is long bytes ? new(bytes) : null },
        };

        StorageException refused = await Should.ThrowAsync<StorageException>(() => _host.Api.SubmitAsync(request, null, default));

        refused.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        (await _host.Api.ListExportsAsync(default)).ShouldBeEmpty();
    }
}
