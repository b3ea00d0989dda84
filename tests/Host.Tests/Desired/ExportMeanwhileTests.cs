using System.Text;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Desired;

namespace EveStorage.Tests;

/// <summary>An export that somebody else changes after it was looked at, and before a file is applied.</summary>
public sealed class ExportMeanwhileTests : IAsyncLifetime
{
    private const string Other = "nqn.2014-08.org.example:other";

    private readonly TestEngine _host = new();

    private static string Guest => $"{TestEngine.Guest}";

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync(serve: true)).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"), TestEngine.Export("vm1"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_host_that_loses_access_meanwhile_does_not_get_it_again_by_a_file_that_names_no_hosts()
    {
        await _host.DoAsync(Add(Other));

        ExportReport export = await ApplyAsync("\"iops\": 7", new RemoveExport { Pool = TestEngine.Pool, Volume = new("vm1"), Hosts = [Other] });

        export.AllowedHosts.ShouldBe([Guest]);
        export.Limits.ShouldBe(new ExportLimits { Iops = 7 });
    }

    [Fact]
    public async Task What_is_given_to_an_export_meanwhile_is_not_lost_by_a_file_that_leaves_it_out()
    {
        ExportReport export = await ApplyAsync("\"iops\": 7", Add(Other), new SetExport { Pool = TestEngine.Pool, Volume = new("vm1"), ReadOnly = true, Limits = new() { Bandwidth = ByteSize.MiB(1) } });

        export.AllowedHosts.ShouldBe([Guest, Other], ignoreOrder: true);
        export.ReadOnly.ShouldBeTrue();
        export.Limits.ShouldBe(new ExportLimits { Iops = 7, Bandwidth = ByteSize.MiB(1) });
    }

    [Fact]
    public async Task What_a_file_calls_null_is_taken_off_and_the_export_keeps_the_name_that_its_hosts_know()
    {
        string subsystem = (await ShowAsync()).Subsystem;
        await _host.DoAsync(new SetExport { Pool = TestEngine.Pool, Volume = new("vm1"), ReadOnly = true, Limits = new() { Iops = 5, Bandwidth = ByteSize.MiB(1) } });

        ExportReport export = await ApplyAsync("\"iops\": null, \"readOnly\": null");

        export.ReadOnly.ShouldBeFalse();
        export.Limits.ShouldBe(new ExportLimits { Bandwidth = ByteSize.MiB(1) });
        (export.Subsystem, export.NamespaceId).ShouldBe((subsystem, 1));
    }

    [Fact]
    public void What_is_left_out_stays_left_out_on_its_way_to_a_daemon_and_in_the_journal()
    {
        AddExport asked = new() { Pool = TestEngine.Pool, Volume = new("vm1"), Exactly = true, Limits = new() { Iops = 0 } };

        AddExport read = JsonSerializer.Deserialize(JsonSerializer.Serialize(asked, ApiJson.TypeOf<ChangeRequest>()), ApiJson.TypeOf<ChangeRequest>()).ShouldBeOfType<AddExport>();

        (read.AllowedHosts, read.ReadOnly, read.Limits).ShouldBe((null, null, new ExportLimits { Iops = 0 }));
    }

    private static AddExport Add(string host) => TestEngine.Export("vm1") with { AllowedHosts = new Dictionary<string, string?> { [host] = null } };

    private async Task<ExportReport> ApplyAsync(string members, params ChangeRequest[] meanwhile)
    {
        DesiredState state = DesiredReader.Read(Encoding.UTF8.GetBytes($$$"""{ "exports": { "data/vm1": { "tcp": { {{{members}}} } } } }"""), new());
        Difference found = await Difference.FindAsync(_host.Api, state, default);
        await _host.DoAsync(meanwhile);

        DesiredReport report = await new DesiredRun(_host.Api, new([]), (request, image, _) => _host.RunAsync(request, image)).RunAsync(state, found, _ => { }, default);

        report.Error.ShouldBeNull();
        return await ShowAsync();
    }

    private async Task<ExportReport> ShowAsync() => (await _host.Api.ListExportsAsync(default)).ShouldHaveSingleItem();
}
