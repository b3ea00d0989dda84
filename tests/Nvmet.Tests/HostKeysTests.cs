using System.Text;
using EveStorage.Nvmet;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Another key, or another way to prove it, for a host that an earlier operation made. That the kernel asks for it is seen in the lab.</summary>
public sealed class HostKeysTests : IDisposable
{
    private static readonly Nqn s_other = new($"{Nqn.OwnPrefix}vm2");

    private readonly FakeTree _tree = new();

    [Fact]
    public async Task An_export_that_can_t_have_the_controller_s_key_leaves_the_host_the_key_it_had()
    {
        _tree.AddHost("DHHC-1:00:before:");
        Plan plan = await PlanAsync(new(FakeTree.Host, new("new")) { ControllerKey = new("controller") }, new("hmac(sha512)", "null"), failsAfter: 3);

        await Should.ThrowAsync<StorageException>(() => RunAsync(plan));

        _tree.OfHost("dhchap_key").ShouldBe("DHHC-1:00:before:");
        _tree.OfHost("dhchap_hash").ShouldBe("hmac(sha256)");
    }

    [Fact]
    public async Task Another_hash_is_a_change_of_a_host_that_has_its_key_already()
    {
        _tree.AddHost("DHHC-1:00:newnew:");

        Plan plan = await PlanAsync(new(FakeTree.Host, new("new")), new("hmac(sha512)", "null"));
        plan.Steps.Single(step => step.Title.Contains("make host")).Expected.ShouldBe(StepEffect.Change);
        await RunAsync(new(plan.Steps.Where(step => step.Title.Contains("make host")).ToList()));

        _tree.OfHost("dhchap_hash").ShouldBe("hmac(sha512)");
        (await PlanAsync(new(FakeTree.Host, new("new")), new("hmac(sha512)", "null"))).Steps.Single(step => step.Title.Contains("make host")).Expected.ShouldBe(StepEffect.AlreadySo);
    }

    [Fact]
    public async Task A_host_that_someone_else_made_with_its_key_is_used_as_it_proves_it()
    {
        _tree.AddHost("DHHC-1:00:newnew:");
        Directory.Delete(_tree.Marks, recursive: true);

        Plan plan = await PlanAsync(new(FakeTree.Host, new("new")), new("hmac(sha512)", "null"));

        plan.Steps.Single(step => step.Title.Contains("make host")).Expected.ShouldBe(StepEffect.AlreadySo);
    }

    [Theory]
    [InlineData("new")]
    [InlineData(null)]
    public async Task Another_export_of_a_host_with_another_key_or_none_is_a_conflict_and_it_keeps_the_key_that_it_has(string? key)
    {
        AddOtherExport("DHHC-1:00:before:");

        StorageException e = await Should.ThrowAsync<StorageException>(() => PlanAsync(new(FakeTree.Host, key is null ? null : new KeyName(key)), new("hmac(sha256)", "null")));

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        e.Message.ShouldContain($"has other keys for {s_other}");
        _tree.OfHost("dhchap_key").ShouldBe("DHHC-1:00:before:");
    }

    [Fact]
    public async Task Another_export_of_a_host_with_the_same_key_changes_nothing_of_the_host()
    {
        AddOtherExport("DHHC-1:00:newnew:");

        Plan plan = await PlanAsync(new(FakeTree.Host, new("new")), new("hmac(sha256)", "null"));

        plan.Steps.Single(step => step.Title.Contains("make host")).Expected.ShouldBe(StepEffect.AlreadySo);
    }

    [Fact]
    public async Task A_host_that_another_export_came_to_name_after_it_was_planned_keeps_that_one_s_key()
    {
        _tree.AddHost("DHHC-1:00:before:");
        Plan plan = await PlanAsync(new(FakeTree.Host, new("new")), new("hmac(sha256)", "null"));
        AddOtherExport("DHHC-1:00:before:");

        StorageException e = await Should.ThrowAsync<StorageException>(() => RunAsync(new([.. plan.Steps.Where(step => step.Title.Contains("make host"))])));

        e.Kind.ShouldBe(StorageErrorKind.Conflict);
        _tree.OfHost("dhchap_key").ShouldBe("DHHC-1:00:before:");
    }

    [Fact]
    public async Task A_volume_that_goes_to_another_subsystem_takes_another_key_along()
    {
        _tree.AddHost("DHHC-1:00:before:");
        _tree.AddPort(58624, "127.0.0.1", "4420");
        _tree.AddExport(s_other, FakeTree.Spec.VolumeId, 58624);

        Plan plan = await PlanAsync(new(FakeTree.Host, new("new")), new("hmac(sha256)", "null"));

        plan.Steps.Single(step => step.Title.Contains("make host")).Expected.ShouldBe(StepEffect.Change);
    }

    public void Dispose() => _tree.Dispose();

    private void AddOtherExport(string key)
    {
        _tree.AddHost(key);
        _tree.AddPort(58624, "127.0.0.1", "4420");
        _tree.AddExport(s_other, Guid.NewGuid(), 58624);
    }

    private static Task RunAsync(Plan plan) => RunningPlans.RunAsync(plan, new() { Id = Guid.NewGuid() }, CancellationToken.None);

    private Task<Plan> PlanAsync(AllowedHost host, DhChapChoice choice, int failsAfter = int.MaxValue)
    {
        int asked = 0;
        NvmetExports exports = new(new()
        {
            Address = new("tcp", "ipv4", "127.0.0.1", "4420"),
            IsOwn = _ => true,
            Root = _tree.Root,
            Marks = _tree.Marks,
            Authentication = choice,
            Authenticates = () => true,
            Secrets = (name, _) => asked++ < failsAfter
                ? new(Secret("DHHC-1:00:newnew:"))
                : throw new StorageException(StorageErrorKind.NotFound, $"key {name}", "is gone meanwhile"),
        });
        return exports.PlanExportAsync(FakeTree.Spec with { AllowedHosts = [host] }, "/dev/pool/vm1", CancellationToken.None);
    }

    private static KeyMaterial Secret(string text)
    {
        KeyMaterial secret = new(text.Length);
        Encoding.ASCII.GetBytes(text, secret.Bytes);
        return secret;
    }
}
