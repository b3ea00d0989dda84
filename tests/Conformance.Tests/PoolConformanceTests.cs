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

        PoolConformance.Cases.ShouldAllBe(promise => promise.AppliesTo(much));
        PoolConformance.Cases.Where(promise => promise.AppliesTo(little)).ShouldAllBe(promise => promise.Needs == VolumeTraits.None && promise.Claims == null);
    }
}
