using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>Who has access after an export was changed. Nobody gets or loses it without being named.</summary>
public sealed class ExportChangeTests : IAsyncLifetime
{
    private const string Other = "nqn.2014-08.org.example:other";

    private static readonly SetExport s_set = new() { Pool = TestEngine.Pool, Volume = new("vm1") };
    private static readonly RemoveExport s_remove = new() { Pool = TestEngine.Pool, Volume = new("vm1") };

    private readonly TestEngine _host = new();

    private static string Guest => $"{TestEngine.Guest}";

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync(serve: true)).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"), TestEngine.Export("vm1"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_host_that_is_added_has_access_beside_those_that_had_it()
    {
        await _host.DoAsync(Add(Other));

        ExportReport export = await ShowAsync();
        export.AllowedHosts.ShouldBe([Guest, Other], ignoreOrder: true);
        export.NamespaceId.ShouldBe(1);
    }

    [Fact]
    public async Task A_host_that_is_added_leaves_an_export_read_only_and_limited()
    {
        await _host.DoAsync(s_set with { ReadOnly = true, Limits = new() { Iops = 500 } }, Add(Other));

        ExportReport export = await ShowAsync();
        export.ReadOnly.ShouldBeTrue();
        export.Limits.ShouldBe(new ExportLimits { Iops = 500 });
    }

    [Fact]
    public async Task What_is_added_otherwise_than_the_export_is_is_refused_and_says_what_changes_it()
    {
        string refused = await RefusedAsync(Add(Other) with { ReadOnly = true, Limits = new() { Iops = 5 } });

        refused.ShouldContain("read-write, without limits");
        refused.ShouldContain("evestorage export set data/vm1");
        (await ShowAsync()).AllowedHosts.ShouldBe([Guest]);
    }

    [Fact]
    public async Task A_limit_that_is_there_may_be_said_again_while_the_other_one_stays()
    {
        ExportLimits both = new() { Iops = 500, Bandwidth = ByteSize.MiB(1) };
        await _host.DoAsync(s_set with { Limits = both }, Add(Other) with { Limits = new() { Iops = 500 } });

        (await ShowAsync()).Limits.ShouldBe(both);
    }

    [Fact]
    public async Task A_key_for_a_host_that_the_change_does_not_name_is_refused_and_not_dropped()
        => (await RefusedAsync(s_set with { ControllerKeys = new Dictionary<string, string> { [Guest] = "k" } })).ShouldContain($"prove itself to {Guest}");

    [Fact]
    public async Task A_host_that_is_there_with_another_key_is_not_added_without_one()
        => (await RefusedAsync(Add(Guest) with { AllowedHosts = new Dictionary<string, string?> { [Guest] = "k" } })).ShouldContain($"to {Guest} with no key");

    [Fact]
    public async Task A_plan_says_who_gets_and_who_loses_access()
    {
        (await PlannedAsync(Add(Other))).ShouldContain($": {Other} gets access");
        (await PlannedAsync(s_set with { AllowedHosts = Hosts(Other), ReadOnly = true })).ShouldContain($": {Other} gets access, {Guest} loses access, read-only");
        (await PlannedAsync(Add(Guest))).ShouldBe("record the export of data/vm1 by tcp");
    }

    [Fact]
    public async Task What_is_set_of_an_export_is_so_and_the_rest_stays()
    {
        await _host.DoAsync(s_set with { Limits = new() { Iops = 500, Bandwidth = ByteSize.MiB(1) } }, s_set with { ReadOnly = true }, s_set with { Limits = new() { Iops = 0 } }, s_set with { AllowedHosts = Hosts(Other) });

        ExportReport export = await ShowAsync();
        export.AllowedHosts.ShouldBe([Other]);
        export.ReadOnly.ShouldBeTrue();
        export.Limits.ShouldBe(new ExportLimits { Bandwidth = ByteSize.MiB(1) });
    }

    [Fact]
    public async Task A_host_that_is_taken_away_loses_access_and_the_others_keep_it()
    {
        await _host.DoAsync(Add(Other), s_remove with { Hosts = [Guest] });

        (await ShowAsync()).AllowedHosts.ShouldBe([Other]);
    }

    [Fact]
    public async Task The_last_host_is_taken_away_by_the_end_of_the_export_alone()
    {
        (await RefusedAsync(s_remove with { Hosts = [Guest] })).ShouldContain("ends the export");
        (await RefusedAsync(s_remove with { Hosts = [Other] })).ShouldContain($"is not exported to {Other}");
    }

    [Fact]
    public async Task An_export_that_is_to_be_exactly_so_loses_the_hosts_that_are_not_named()
    {
        await _host.DoAsync(Add(Other) with { Exactly = true });

        (await ShowAsync()).AllowedHosts.ShouldBe([Other]);
    }

    private static AddExport Add(string host) => TestEngine.Export("vm1") with { AllowedHosts = Hosts(host) };

    private static Dictionary<string, string?> Hosts(string host) => new() { [host] = null };

    private async Task<ExportReport> ShowAsync() => (await _host.Api.ListExportsAsync(default)).ShouldHaveSingleItem();

    private async Task<string> PlannedAsync(ChangeRequest request) => (await _host.Api.PlanAsync(request, null, default)).Steps[0].Title;

    private async Task<string> RefusedAsync(ChangeRequest request)
        => (await Should.ThrowAsync<StorageException>(() => _host.Api.PlanAsync(request, null, default))).Message;
}
