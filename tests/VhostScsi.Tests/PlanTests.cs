using EveStorage.Testing;
using EveStorage.VhostScsi;

namespace EveStorage.Tests;

/// <summary>What is planned. What the kernel makes of it is seen in the lab.</summary>
public sealed class PlanTests
{
    private static readonly Nqn s_subsystem = new($"{Nqn.OwnPrefix}vm1");

    private static ExportSpec Spec { get; } = new()
    {
        VolumeId = new("11111111-2222-3333-4444-555555555555"),
        Subject = "data/vm1",
        Subsystem = s_subsystem,
        NamespaceId = 2,
        AllowedHosts = [],
    };

    [Fact]
    public void A_controller_has_the_same_name_always_and_each_subsystem_another()
    {
        Wwn.Of(s_subsystem).ShouldBe(Wwn.Of(new($"{s_subsystem}")));
        Wwn.Of(s_subsystem).ShouldMatch("^naa\\.5001405[0-9a-f]{9}$");
        Wwn.Of(new($"{Nqn.OwnPrefix}vm2")).ShouldNotBe(Wwn.Of(s_subsystem));
    }

    [Fact]
    public async Task An_export_makes_the_backstore_then_the_controller_then_the_disk()
    {
        using TemporaryDirectory place = new();
        Directory.CreateDirectory(place["target/core"]);
        Directory.CreateDirectory(place["target/vhost"]);

        Plan plan = await Transport(place).PlanExportAsync(Spec, new() { Path = "/dev/pool/vm1" }, CancellationToken.None);

        plan.Steps.Where(s => s.Expected == StepEffect.Change).Select(s => s.Title).ShouldBe(
        [
            $"lio: make backstore {Spec.VolumeId} on /dev/pool/vm1",
            $"lio: make controller {Wwn.Of(s_subsystem)}",
            $"lio: make data/vm1 disk 1 of {Wwn.Of(s_subsystem)}",
        ]);
    }

    [Theory]
    [InlineData("hosts", StorageErrorKind.InvalidConfiguration)]
    [InlineData("limits", StorageErrorKind.NotSupported)]
    [InlineData("no path", StorageErrorKind.NotSupported)]
    [InlineData("file", StorageErrorKind.NotSupported)]
    [InlineData("foreign name", StorageErrorKind.Conflict)]
    public async Task What_can_t_be_is_refused_before_anything_is_touched(string what, StorageErrorKind kind)
    {
        using TemporaryDirectory place = new();
        await File.WriteAllTextAsync(place["image"], "");
        ExportSpec spec = what switch
        {
            "hosts" => Spec with { AllowedHosts = [new(new("nqn.2014-08.org.example:host"), Key: null)] },
            "limits" => Spec with { Limits = new() { Iops = 100 } },
            "foreign name" => Spec with { Subsystem = new("nqn.2026-01.org.example:vm1") },
            _ => Spec,
        };
        string? path = what switch
        {
            "no path" => null,
            "file" => place["image"],
            _ => "/dev/pool/vm1",
        };

        StorageException e = await Should.ThrowAsync<StorageException>(() => Transport(place).PlanExportAsync(spec, new() { Path = path }, CancellationToken.None).AsTask());

        e.Kind.ShouldBe(kind);
        Directory.Exists(place["marks"]).ShouldBeFalse();
    }

    [Fact]
    public void Options_of_no_use_are_named()
    {
        Microsoft.Extensions.Options.ValidateOptionsResult result = new VhostScsiOptionsValidator().Validate(null, new() { Fabric = "iscsi", Queues = 0, Marks = "here" });

        foreach (string key in (string[])["Fabric", "Queues", "Marks"])
        {
            result.Failures.ShouldNotBeNull().ShouldContain(f => f.Contains(key), key);
        }
    }

    private static VhostScsiTransport Transport(TemporaryDirectory place) => new(new() { Marks = place["marks"] }, place["target"]);
}
