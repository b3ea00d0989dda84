using System.Text.Json.Nodes;
using EveStorage.Cli.Api;
using EveStorage.Host.Engine;

namespace EveStorage.Tests;

/// <summary>What the doctor finds of daemon and pools.</summary>
public sealed class ServingDiagnosisTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync(serve: true)).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("vm1"), TestEngine.Export("vm1"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task While_the_daemon_serves_what_is_exported_there_is_nothing_to_do()
        => (await _host.Api.DiagnoseAsync(default)).ShouldBeEmpty();

    [Fact]
    public async Task Where_no_daemon_runs_what_is_exported_is_served_by_nobody_and_the_doctor_says_so()
    {
        await _host.EndAsync();
        await _host.StartAsync();

        Finding finding = (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem();

        finding.ShouldBe(new("daemon", "does not run, and nobody serves what is exported: data/vm1 by tcp", "evestorage serve"));
    }

    [Fact]
    public async Task Settings_that_changed_since_the_daemon_started_are_a_finding()
    {
        JsonNode profile = JsonNode.Parse(await File.ReadAllTextAsync(_host.ProfilePath))!;
        profile["Images"]!["LazyRate"] = "1MiB";
        await File.WriteAllTextAsync(_host.ProfilePath, profile.ToJsonString());

        Finding finding = (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem();

        finding.Message.ShouldContain("they are others now");
        finding.Message.ShouldContain(_host.ProfilePath);
        finding.Command.ShouldBe("systemctl restart evestorage");
    }

    [Fact]
    public async Task Settings_that_no_daemon_could_start_with_are_a_finding_before_it_is_stopped()
    {
        await File.WriteAllTextAsync(_host.ProfilePath, "{ half");

        (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem().Message.ShouldContain("could not start with those that are there now");
    }

    [Theory]
    [InlineData(94, 0)]
    [InlineData(95, 1)]
    [InlineData(100, 1)]
    public void A_pool_with_hardly_any_room_is_a_finding(int percent, int findings)
    {
        PoolStatus status = new() { Health = PoolHealth.Healthy, Size = ByteSize.GiB(100), Used = ByteSize.GiB(1), Free = ByteSize.GiB(100 - percent) };

        ServingDiagnosis.FindFull(TestEngine.Pool, status).Count().ShouldBe(findings);
    }

    [Fact]
    public void A_pool_whose_metadata_is_full_is_a_finding_too()
    {
        PoolStatus status = new() { Health = PoolHealth.Healthy, Size = ByteSize.GiB(100), Used = default, Free = ByteSize.GiB(100), Metadata = new(ByteSize.MiB(100), ByteSize.MiB(96)) };

        ServingDiagnosis.FindFull(TestEngine.Pool, status).ShouldHaveSingleItem().Message.ShouldContain("has metadata of 96MiB of 100MiB");
    }
}
