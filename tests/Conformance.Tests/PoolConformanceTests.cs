using EveStorage.Conformance;

namespace EveStorage.Tests;

/// <summary>The promises as a list.</summary>
public class PoolConformanceTests
{
    [Fact]
    public void Every_promise_has_a_name_of_its_own()
        => BackendConformance.Cases.Select(c => c.Name).Concat(BrokenPluginTests.OfPools.Select(c => c.Name)).Concat(TransportConformance.Cases.Select(c => c.Name)).ShouldBeUnique();

    [Fact]
    public void A_promise_of_a_claim_is_tried_only_where_it_is_claimed()
    {
        BackendCapabilities little = new() { Forms = new HashSet<VolumeForm> { VolumeForm.Block }, Traits = VolumeTraits.None, SnapshotsCopy = true };
        BackendCapabilities much = little with { Forms = new HashSet<VolumeForm> { VolumeForm.Block, VolumeForm.FileSystem }, Traits = Enum.GetValues<VolumeTraits>().Aggregate((all, one) => all | one), SnapshotsCopy = false, ThinReadsZero = true, ThickReadsZero = true };

        PoolConformance.Cases.Where(promise => promise.Ability is null).ShouldAllBe(promise => promise.AppliesTo(much));
        PoolConformance.Cases.Where(promise => promise.AppliesTo(little)).ShouldAllBe(promise => promise.Needs == VolumeTraits.None && promise.Claims == null);
    }

    [Fact]
    public void Every_ability_of_a_pool_that_the_contract_has_is_held_to_a_promise()
    {
        Type[] claimedByTraits = [typeof(ISnapshotPool), typeof(IResizablePool)];
        Type[] claimedByForms = [typeof(IFileSystemPool)];
        // What a drive's rest does shows only in a pool with redundancy and with a drive to spare: the trials of those that have it do that.
        Type[] heldElsewhere = [typeof(IDriveRestPool)];

        Type[] abilities = [.. typeof(IStoragePool).Assembly.GetTypes().Where(type => type.IsInterface && type != typeof(IStoragePool) && typeof(IStoragePool).IsAssignableFrom(type))];

        abilities.Except(PoolConformance.Cases.Select(promise => promise.Ability).OfType<Type>()).ShouldBe([.. claimedByTraits, .. claimedByForms, .. heldElsewhere], ignoreOrder: true);
        PoolConformance.Cases.ShouldContain(promise => promise.Needs.HasFlag(VolumeTraits.Snapshots));
        PoolConformance.Cases.ShouldContain(promise => promise.Needs.HasFlag(VolumeTraits.Resizable));
        PoolConformance.Cases.ShouldContain(promise => promise.Claims != null && !promise.Claims(new() { Forms = new HashSet<VolumeForm> { VolumeForm.Block }, Traits = VolumeTraits.None }));
        Enum.GetValues<VolumeTraits>().Where(trait => trait is not (VolumeTraits.None or VolumeTraits.Encrypted))
            .ShouldAllBe(trait => PoolConformance.Cases.Any(promise => promise.Needs.HasFlag(trait)), "Nothing readable reaches the devices is a promise of backends");
    }
}
